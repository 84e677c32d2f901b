/** Largest frame of every link, unless its carrier takes less. Both ends must have the same. */
export const MAX_FRAME_BYTES = 131_072

/** Milliseconds that a link may take to end in order. */
export const CLOSE_TIMEOUT = 5_000
