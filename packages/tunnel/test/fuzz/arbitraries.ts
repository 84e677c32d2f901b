import fc from 'fast-check'
import { GoodbyeReason, RefuseCode, WireMode } from '../../proto/control.ts'
import type { Control } from '../../proto/control.ts'

/** Cases of each fuzzed property: `WARREN_FUZZ_RUNS`, else 200. */
const RUNS = Number(process.env.WARREN_FUZZ_RUNS ?? 200)
/** Seed of the run: `WARREN_TEST_SEED`, else another one each time; fast-check prints it. */
export const PARAMETERS: { readonly numRuns: number; readonly seed?: number } =
  process.env.WARREN_TEST_SEED === undefined
    ? { numRuns: RUNS }
    : { numRuns: RUNS, seed: Number(process.env.WARREN_TEST_SEED) }

/** Records as literals make them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true })
}

function bytes(...lengths: readonly number[]): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const right = fc.constantFrom(...lengths)
  return fc
    .oneof({ weight: 4, arbitrary: right }, { weight: 1, arbitrary: fc.nat(80) })
    .chain(length => fc.uint8Array({ minLength: length, maxLength: length }))
    .map(value => Uint8Array.from(value))
}

const u32 = fc.nat(0xffff_ffff)
const mac = bytes(32)
const id = bytes(16)
const claims = bytes(90)
const code = fc.constantFrom(
  ...Object.values(RefuseCode).filter(value => typeof value === 'string')
) as fc.Arbitrary<RefuseCode>
const reason = fc.constantFrom(
  ...Object.values(GoodbyeReason).filter(value => typeof value === 'string')
) as fc.Arbitrary<GoodbyeReason>
const mode = fc.constantFrom(WireMode.UNICAST, WireMode.MULTICAST, WireMode.BROADCAST)
const name = fc.oneof(
  fc.constantFrom('orders', 'web', '', 'a\nb', 'x'.repeat(255), 'x'.repeat(256), '__proto__'),
  fc.string({ maxLength: 20 })
)

function list<T>(of: fc.Arbitrary<T>, maxLength = 5): fc.Arbitrary<T[]> {
  return fc.array(of, { maxLength })
}

const refusals = list(record({ id, code }))

/** Any message of the control protocol, well formed; what it says may be nonsense. */
export const controls: fc.Arbitrary<Control> = fc.oneof(
  record({
    version: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: u32 }),
    nonce: bytes(32),
    open: fc.boolean(),
    tickets: list(claims, 20),
    instance: fc.oneof(bytes(0), bytes(16), bytes(7))
  }).map(hello => ({ hello })),
  record({ tokens: list(mac), tickets: list(record({ id, mac })), refused: refusals }).map(
    proof => ({ proof })
  ),
  record({ refused: refusals }).map(welcome => ({ welcome })),
  record({ code }).map(refuse => ({ refuse })),
  record({
    opened: list(record({ name, mode, bytes: fc.boolean() }), 30),
    closed: list(name),
    query: u32
  }).map(announce => ({ announce })),
  record({ query: u32, channels: list(name) }).map(discover => ({ discover })),
  record({ id: u32, reply: fc.boolean() }).map(probe => ({ probe })),
  record({ claims, mac }).map(present => ({ present })),
  record({ id, mac }).map(presented => ({ presented })),
  record({ id, code }).map(withdraw => ({ withdraw })),
  record({ reason }).map(goodbye => ({ goodbye })),
  record({ links: u32 }).map(crowd => ({ crowd })),
  record({ tokens: list(mac) }).map(reproof => ({ reproof }))
)

/** How bytes are spoilt on their way. */
export const damages: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc.oneof(
  fc.constant((whole: Buffer) => whole),
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => (whole: Buffer) => {
    const changed = Buffer.from(whole)
    if (whole.length > 0) changed[at % whole.length] = (whole[at % whole.length] ?? 0) ^ mask
    return changed
  }),
  fc.nat().map(at => (whole: Buffer) => whole.subarray(0, at % (whole.length + 1))),
  fc.nat().map(at => (whole: Buffer) => whole.subarray(at % (whole.length + 1))),
  fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 20 })).map(([at, more]) => (whole: Buffer) => {
    const cut = at % (whole.length + 1)
    return Buffer.concat([whole.subarray(0, cut), more, whole.subarray(cut)])
  })
)

/** `whole` in chunks of these sizes, again and again. */
export function chunked(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, i = 0; at < whole.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    chunks.push(whole.subarray(at, at + size))
    at += size
  }
  return chunks
}

/** Sizes of chunks. */
export const chunkSizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 })
