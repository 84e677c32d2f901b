/**
 * Which way values go, seen by whoever makes the call: what the exporter exports as `'send'`, an
 * importer imports as `'recv'`.
 */
export type Direction = 'send' | 'recv'

/**
 * How an exported `'send'` channel serves several importers. `queue`: each value goes to one of
 * them. `broadcast`: each importer gets every value sent while it is bound.
 */
export type ExportMode = 'queue' | 'broadcast'

/**
 * What happens to a broadcast value when an importer's window is full. `block`: the channel waits
 * for the slowest importer. The others lose values at that importer alone, counted:
 * `drop-newest` this value, `drop-oldest` the oldest that waits, `latest` all that wait; `error`
 * unbinds the importer, with code `ERR_OVERLOAD` at its end.
 */
export type OverloadPolicy = 'block' | 'drop-oldest' | 'drop-newest' | 'latest' | 'error'
