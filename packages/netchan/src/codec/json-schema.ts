import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { valibotToJsonSchema } from './valibot-schema.ts'

/** A JSON Schema, of which only the structure counts. */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * What values a schema takes, as JSON Schema: by Standard JSON Schema where the library has it (zod,
 * arktype), by its public properties for valibot.
 *
 * @returns `undefined` when the schema does not say
 */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema | undefined {
  const { vendor } = schema['~standard']
  try {
    if (hasJsonSchema(schema)) {
      return schema['~standard'].jsonSchema.input({
        target: 'draft-2020-12',
        libraryOptions: { ...LIBRARY_OPTIONS[vendor] }
      })
    }
    return vendor === 'valibot' ? valibotToJsonSchema(schema) : undefined
  } catch {
    // It says so by throwing, for instance for types that JSON Schema has no word for.
    return undefined
  }
}

function hasJsonSchema(schema: object): schema is StandardJSONSchemaV1 {
  const props: unknown = Reflect.get(schema, '~standard')
  return typeof props === 'object' && props !== null && 'jsonSchema' in props
}

/** What makes a library name a type that JSON Schema has no word for, instead of giving up. */
const LIBRARY_OPTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  zod: {
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }: ZodContext) => {
      const { type } = zodSchema._zod.def
      if (Object.keys(jsonSchema).length === 0 && !['any', 'unknown', 'custom'].includes(type)) {
        jsonSchema['type'] = type
      }
    }
  },
  arktype: {
    fallback: ({ code, base, proto, domain }: ArktypeContext) => {
      if (code === 'date') return { type: 'date' }
      if (code === 'proto' && proto !== undefined) return { type: proto.name.toLowerCase() }
      if (code === 'domain' && domain !== undefined) return { type: domain }
      return base
    }
  }
}

interface ZodContext {
  readonly zodSchema: { readonly _zod: { readonly def: { readonly type: string } } }
  readonly jsonSchema: Record<string, unknown>
}

interface ArktypeContext {
  readonly code: string
  readonly base: JsonSchema
  readonly proto?: { readonly name: string }
  readonly domain?: string
}
