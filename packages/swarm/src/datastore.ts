import type { persistentPeerStore } from '@libp2p/peer-store'

/** A key-value store of `interface-datastore`, such as `MemoryDatastore` or `LevelDatastore`. */
export type Datastore = Parameters<typeof persistentPeerStore>[0]['datastore']
