import type { JsonSchema } from './json-schema.ts'

/** A shape is cut at this length when it is sent; its hash is that of the whole. */
export const MAX_SHAPE_BYTES = 4_096

/** Places of a schema that are looked at; what is beyond is left out. */
const MAX_PLACES = 2_000

/** Stands for a type that contains itself, where it does, and for what is left out. */
const REST = '…'

/**
 * The fields and types of a schema in canonical text: a line `path: type` for each, in order. The
 * same structure gives the same text whichever library it is written with: formats, ranges and
 * descriptions do not count, and neither does the order of fields.
 *
 * `customer.name: string`, `items[].price: number`, `note: string, optional`, `scores{}: number`.
 */
export function shapeOf(schema: JsonSchema): string {
  return new Shape(schema).lines.join('\n')
}

interface Part {
  /** Behind the path of what it is in: `.name`, `{}`, `[]` or `[0]`. */
  readonly step: string
  readonly schema: JsonSchema
  readonly optional: boolean
}

class Shape {
  readonly lines: string[] = []
  readonly #root: JsonSchema
  /** Those that what is looked at now is inside of. */
  readonly #around = new Set<JsonSchema>()
  #places = 0

  constructor(root: JsonSchema) {
    this.#root = root
    this.#add({ step: '', schema: root, optional: false }, '')
    this.lines.sort(byCodeUnit)
  }

  /** One line for a part, and those for what is in it. */
  #add({ step, schema, optional }: Part, around: string): void {
    const path = around === '' && step.startsWith('.') ? step.slice(1) : around + step
    const line = (type: string): void => {
      this.lines.push(`${path}: ${type}${optional ? ', optional' : ''}`)
    }
    this.#within(schema, line, inside => {
      line(this.#type(inside))
      for (const part of this.#parts(inside)) this.#add(part, path)
    })
  }

  /** A choice of a union: its type, and what is in it in parentheses. */
  #inline(schema: JsonSchema): string {
    return this.#within(
      schema,
      rest => rest,
      inside => {
        const parts = this.#parts(inside).map(
          part => `${part.step}: ${this.#inline(part.schema)}${part.optional ? ', optional' : ''}`
        )
        const type = this.#type(inside)
        return parts.length === 0 ? type : `${type}(${parts.sort(byCodeUnit).join('; ')})`
      }
    )
  }

  #type(schema: JsonSchema): string {
    if ('const' in schema) return literal(schema['const'])
    if (Array.isArray(schema['enum'])) return union(schema['enum'].map(literal))
    const choices = schemas(schema['anyOf'] ?? schema['oneOf'])
    if (choices.length > 0) return union(choices.map(each => this.#inline(each)))
    const [whole] = schemas(schema['allOf'])
    if (whole !== undefined) {
      return this.#within(
        whole,
        rest => rest,
        inside => this.#type(inside)
      )
    }
    const { type } = schema
    if (Array.isArray(type)) return union(type.map(typeName))
    return type === undefined ? 'unknown' : typeName(type)
  }

  /** What is in an object or array, one step further. */
  #parts(schema: JsonSchema): Part[] {
    const required = Array.isArray(schema['required']) ? schema['required'] : []
    const properties = isSchema(schema['properties']) ? Object.entries(schema['properties']) : []
    const parts = [
      ...properties.map(([name, each]) => ({
        step: `.${fieldName(name)}`,
        schema: each,
        optional: !required.includes(name)
      })),
      ...schemas(schema['prefixItems']).map((each, at) => ({
        step: `[${at}]`,
        schema: each,
        optional: false
      })),
      { step: '[]', schema: schema['items'], optional: false },
      { step: '{}', schema: schema['additionalProperties'], optional: false }
    ].filter((part): part is Part => isSchema(part.schema))
    const merged = schemas(schema['allOf']).flatMap(each =>
      this.#within(
        each,
        () => [],
        inside => this.#parts(inside)
      )
    )
    return [...parts, ...merged]
  }

  /** Looks into a schema, unless that is what is being looked into already, or too much. */
  #within<R>(schema: JsonSchema, rest: (type: string) => R, look: (inside: JsonSchema) => R): R {
    const inside = this.#resolve(schema)
    if (this.#around.has(inside) || ++this.#places > MAX_PLACES) return rest(REST)
    this.#around.add(inside)
    try {
      return look(inside)
    } finally {
      this.#around.delete(inside)
    }
  }

  /** What a `$ref` within the same schema stands for. */
  #resolve(schema: JsonSchema): JsonSchema {
    const { $ref } = schema
    if (typeof $ref !== 'string') return schema
    let at: unknown = this.#root
    for (const step of $ref.split('/').slice(1)) {
      at = isSchema(at) && Object.hasOwn(at, step) ? at[step] : undefined
    }
    return isSchema(at) ? at : {}
  }
}

function typeName(type: unknown): string {
  // Whether a number is whole is a matter of its range, which does not count.
  return type === 'integer' ? 'number' : String(type)
}

function literal(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? 'undefined')
}

function union(types: readonly string[]): string {
  return [...new Set(types)].sort(byCodeUnit).join(' | ')
}

/** A name as it is, or in quotes when something in it could be taken for a part of the path. */
function fieldName(name: string): string {
  return /^[\w$-]+$/.test(name) ? name : JSON.stringify(name).replaceAll(':', '\\u003a')
}

function schemas(value: unknown): JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : []
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
