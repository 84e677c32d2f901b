import type { JsonSchema } from './json-schema.ts'

/** A valibot schema, by its public properties. */
type Valibot = Readonly<Record<string, unknown>> & { readonly type: string }

/** Schemas that are looked at; what is beyond is unknown. */
const MAX_SCHEMAS = 2_000
const MAX_LAYERS = 32

const WRAPPERS: ReadonlySet<string> = new Set([
  'optional',
  'exact_optional',
  'undefinedable',
  'non_optional',
  'non_nullable',
  'non_nullish'
])

/**
 * The structure of what a valibot schema takes, as JSON Schema; in one that contains itself, the
 * result does too.
 */
export function valibotToJsonSchema(schema: unknown): JsonSchema {
  const made = new Map<unknown, Record<string, unknown>>()
  const inner = (wrapped: unknown): JsonSchema => {
    const each = unwrap(wrapped)
    const before = made.get(each)
    if (before !== undefined) return before
    if (!isValibot(each) || made.size >= MAX_SCHEMAS) return {}
    const json: Record<string, unknown> = {}
    made.set(each, json)
    return Object.assign(json, convert(each, inner))
  }
  return inner(schema)
}

/** The schema within those that say nothing of the structure: whether it may be left out, or later. */
function unwrap(schema: unknown): unknown {
  let each = schema
  for (let layer = 0; layer < MAX_LAYERS && isValibot(each); layer++) {
    if (WRAPPERS.has(each.type)) each = each['wrapped']
    else if (each.type === 'lazy' && typeof each['getter'] === 'function') {
      each = (each['getter'] as (input: unknown) => unknown)(undefined)
    } else break
  }
  return each
}

function convert(schema: Valibot, inner: (each: unknown) => JsonSchema): JsonSchema {
  const all = (list: unknown): JsonSchema[] => (Array.isArray(list) ? list.map(inner) : [])
  switch (schema.type) {
    case 'any':
    case 'unknown':
    case 'custom':
      return {}
    case 'object':
    case 'loose_object':
    case 'strict_object':
    case 'object_with_rest':
      return objectOf(schema['entries'], inner)
    case 'array':
      return { type: 'array', items: inner(schema['item']) }
    case 'tuple':
    case 'loose_tuple':
    case 'strict_tuple':
    case 'tuple_with_rest':
      return { type: 'array', prefixItems: all(schema['items']) }
    case 'record':
      return { type: 'object', additionalProperties: inner(schema['value']) }
    case 'union':
    case 'variant':
      return { anyOf: all(schema['options']) }
    case 'intersect':
      return { allOf: all(schema['options']) }
    case 'picklist':
    case 'enum':
      return { enum: schema['options'] }
    case 'literal':
      return { const: schema['literal'] }
    case 'nullable':
    case 'nullish':
      return { anyOf: [inner(schema['wrapped']), { type: 'null' }] }
    case 'instance':
    case 'class':
      return { type: String(schema['expects']).toLowerCase() }
    default:
      return { type: schema.type }
  }
}

function objectOf(entries: unknown, inner: (each: unknown) => JsonSchema): JsonSchema {
  const fields = Object.entries(entries ?? {})
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, each]) => [name, inner(each)])),
    required: fields.filter(([, each]) => !mayBeLeftOut(each)).map(([name]) => name)
  }
}

function mayBeLeftOut(schema: unknown): boolean {
  return isValibot(schema) && ['optional', 'exact_optional', 'nullish'].includes(schema.type)
}

function isValibot(schema: unknown): schema is Valibot {
  return (
    typeof schema === 'object' &&
    schema !== null &&
    'type' in schema &&
    typeof schema.type === 'string'
  )
}
