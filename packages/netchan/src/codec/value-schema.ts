import { createHash } from 'node:crypto'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describeError, printable } from '@warren/utils'
import { NetchanOptionError, SchemaAsyncError } from '../errors.ts'
import { jsonSchemaOf } from './json-schema.ts'
import type { Fingerprint, ValueIssue, ValueSchema } from './schema-types.ts'
import { MAX_SHAPE_BYTES, shapeOf } from './shape.ts'

const HASH_BYTES = 16
const MAX_ISSUES = 16
const MAX_PATH = 256
const MAX_MESSAGE = 512

/**
 * Makes any Standard Schema ready for one channel; without one everything is valid.
 *
 * Values are checked at both ends. What travels is the value as it was sent; a schema that changes
 * it (defaults, transformations) does so where it is received.
 *
 * @throws code `ERR_NETCHAN_OPTION` when it is no Standard Schema of version 1
 */
export function valueSchema(schema: StandardSchemaV1 | undefined): ValueSchema {
  if (schema === undefined) return ANYTHING
  const standard: unknown = Object(schema)['~standard']
  if (!isStandard(standard)) {
    throw new NetchanOptionError(
      'a schema is a Standard Schema, such as those of zod, valibot and arktype'
    )
  }
  return {
    fingerprint: fingerprintOf(schema),
    validate(value) {
      let result: ReturnType<typeof standard.validate>
      try {
        result = standard.validate(value)
      } catch (cause) {
        return { ok: false, issues: [{ path: '', message: describeError(cause, MAX_MESSAGE) }] }
      }
      if (result instanceof Promise) {
        // Nobody waits for it.
        result.catch(() => {})
        throw new SchemaAsyncError(
          'the schema answers with a promise: values are checked at once, so use one that does too'
        )
      }
      if (result.issues === undefined) return { ok: true, value: result.value }
      return { ok: false, issues: result.issues.slice(0, MAX_ISSUES).map(issueOf) }
    }
  }
}

const ANYTHING: ValueSchema = {
  fingerprint: undefined,
  validate: value => ({ ok: true, value })
}

function isStandard(props: unknown): props is StandardSchemaV1.Props {
  return (
    typeof props === 'object' &&
    props !== null &&
    'version' in props &&
    props.version === 1 &&
    'validate' in props &&
    typeof props.validate === 'function'
  )
}

function fingerprintOf(schema: StandardSchemaV1): Fingerprint | undefined {
  const json = jsonSchemaOf(schema)
  if (json === undefined) return undefined
  const shape = shapeOf(json)
  const hash = createHash('sha256').update(shape).digest().subarray(0, HASH_BYTES)
  return { hash: Uint8Array.from(hash), shape: cut(shape) }
}

/** At most {@link MAX_SHAPE_BYTES}, and only whole lines. */
function cut(shape: string): string {
  if (Buffer.byteLength(shape) <= MAX_SHAPE_BYTES) return shape
  let bytes = 0
  const lines = shape.split('\n')
  const end = lines.findIndex(line => (bytes += Buffer.byteLength(line) + 1) > MAX_SHAPE_BYTES)
  return lines.slice(0, end).join('\n')
}

function issueOf({ path = [], message }: StandardSchemaV1.Issue): ValueIssue {
  const steps = path.map(step => String(typeof step === 'object' ? step.key : step))
  return { path: printable(steps.join('.'), MAX_PATH), message: printable(message, MAX_MESSAGE) }
}
