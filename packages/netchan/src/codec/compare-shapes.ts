import { printable } from '@warren/utils'
import type { CompareShapes, FieldDifference } from './schema-types.ts'
import { MAX_SHAPE_BYTES } from './shape.ts'

const MAX_DIFFERENCES = 32
const MAX_PATH = 256
const MAX_TYPE = 256

/** The fields on which two shapes differ; at most 32, never throws, whatever the peer sent. */
export const compareShapes: CompareShapes = (ours, theirs) => {
  const [mine, other] = [fieldsOf(ours), fieldsOf(theirs)]
  const differences: FieldDifference[] = []
  for (const path of new Set([...mine.keys(), ...other.keys()])) {
    const [here, there] = [mine.get(path), other.get(path)]
    if (here === there) continue
    if (differences.length === MAX_DIFFERENCES) break
    differences.push({ path: printable(path, MAX_PATH), ours: type(here), theirs: type(there) })
  }
  return differences
}

/** The types by path. */
function fieldsOf(shape: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of shape.slice(0, MAX_SHAPE_BYTES).split('\n')) {
    const at = line.indexOf(': ')
    if (at >= 0) fields.set(line.slice(0, at), line.slice(at + 2))
  }
  return fields
}

function type(text: string | undefined): string | undefined {
  return text === undefined ? undefined : printable(text, MAX_TYPE)
}
