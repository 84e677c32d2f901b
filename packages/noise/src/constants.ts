/** The protocol by which multistream-select agrees on this encrypter. */
export const NOISE_PROTOCOL = '/noise'

/** Bytes of the length before every Noise message (libp2p noise spec, "Wire Format"). */
export const LENGTH_BYTES = 2

/** Bytes of a Poly1305 tag. */
export const TAG_BYTES = 16

/** The longest Noise message: its length has 16 bits (Noise specification, section 3). */
export const MAX_MESSAGE_BYTES = 65_535

/** The most plaintext that one record carries: a whole message without its tag. */
export const MAX_PLAINTEXT_BYTES = MAX_MESSAGE_BYTES - TAG_BYTES

/** Bytes of an X25519 key, public or private. */
export const X25519_BYTES = 32

/**
 * Last nonce that is used. The specification allows 2^64 - 2, but js-libp2p stops here, and with
 * full records this is 256 TiB in one direction.
 */
export const MAX_NONCE = 0xffff_ffff

/** Empty records in a row after which a peer is taken to waste our time. */
export const MAX_EMPTY_RECORDS = 1_000
