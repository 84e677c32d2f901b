import type { StandardSchemaV1 } from '@standard-schema/spec'
import { cborCodec } from './codec/cbor-codec.ts'
import type { Codec } from './codec/codec-types.ts'
import { valueSchema } from './codec/value-schema.ts'
import { DEFAULTS } from './defaults.ts'
import { ValueCoder } from './pumps/value-coder.ts'

const CBOR = cborCodec()

/** The coder of the values of one channel. */
export function coderOf(init: {
  readonly name: string
  readonly schema: StandardSchemaV1 | undefined
  readonly codec: Codec | undefined
  readonly maxValueBytes: number
  /** Channels that one value may carry. */
  readonly maxEnds?: number
}): ValueCoder {
  return new ValueCoder({
    name: `channel ${init.name}`,
    codec: init.codec ?? CBOR,
    schema: valueSchema(init.schema),
    maxValueBytes: init.maxValueBytes,
    maxEnds: init.maxEnds ?? DEFAULTS.maxEnds
  })
}
