/** Why a value was refused: where, and what was expected there. */
export interface ValueIssue {
  /** Such as `items.3.price`; empty for the value itself. At most 256 characters. */
  readonly path: string
  readonly message: string
}

/** What checking a value by a schema gives. */
export type Validation =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly ValueIssue[] }

/**
 * What a schema says of itself, compared when two ends bind.
 *
 * Ends are compatible when either has no fingerprint or the hashes are equal.
 */
export interface Fingerprint {
  /** 16 bytes of SHA-256 over `shape`. */
  readonly hash: Uint8Array
  /** The fields and their types in canonical text, at most 4,096 bytes; sent only on a mismatch. */
  readonly shape: string
}

/** One field on which two schemas differ. */
export interface FieldDifference {
  /** Such as `price.currency`; empty for the value itself. */
  readonly path: string
  /** Type in our schema; `undefined` where we do not have the field. */
  readonly ours: string | undefined
  /** Type in the peer's schema. */
  readonly theirs: string | undefined
}

/**
 * A schema made ready for one channel: made once per export or import from any Standard Schema.
 * `undefined` schema: everything is valid, and there is no fingerprint.
 */
export interface ValueSchema {
  readonly fingerprint: Fingerprint | undefined
  /** Synchronous; a schema that answers with a promise is refused with code `ERR_SCHEMA_ASYNC`. */
  validate(value: unknown): Validation
}

/** The fields on which two shapes differ; at most 32, never throws, whatever the peer sent. */
export type CompareShapes = (ours: string, theirs: string) => readonly FieldDifference[]
