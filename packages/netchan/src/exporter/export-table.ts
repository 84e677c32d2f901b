import { AlreadyExportedError, UnknownNameError } from '../errors.ts'
import type { Binding } from '../protocol/binding.ts'
import { CODE, type Failure } from '../protocol/codes.ts'
import type { BindRequest } from '../protocol/frames.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import type { Exported, Unbound } from './exported.ts'

/** What an {@link ExportTable} tells. */
export interface ExportTableHooks {
  onBound(name: string, kind: Exported['kind'], peer: string): void
  onUnbound(name: string, kind: Exported['kind'], peer: string, how: Unbound): void
}

/** The names that an exporter exports, and how binds to them are answered. No I/O. */
export class ExportTable {
  readonly #exports = new Map<string, Exported>()
  readonly #maxReservedBytes: number
  readonly #hooks: ExportTableHooks
  #reserved = 0
  #bound = 0
  /** No more binds are accepted. */
  isClosing = false

  constructor(maxReservedBytes: number, hooks: ExportTableHooks) {
    this.#maxReservedBytes = maxReservedBytes
    this.#hooks = hooks
  }

  /** Sizes, for tests and diagnosis. */
  debug(): { exports: number; bound: number; reservedBytes: number } {
    return { exports: this.#exports.size, bound: this.#bound, reservedBytes: this.#reserved }
  }

  /** Those that are exported. */
  *all(): Generator<[name: string, exported: Exported]> {
    yield* this.#exports
  }

  has(name: string): boolean {
    return this.#exports.has(name)
  }

  /** @throws AlreadyExportedError */
  add(name: string, exported: Exported): void {
    if (this.#exports.has(name)) {
      throw new AlreadyExportedError(`channel name already being exported:${name}`)
    }
    this.#exports.set(name, exported)
  }

  /**
   * Takes a name back. Returns what it was, and how many values had come for nothing.
   *
   * @throws UnknownNameError
   */
  remove(name: string, failure: Failure): { exported: Exported; dropped: number } {
    const exported = this.#exports.get(name)
    if (exported === undefined) throw new UnknownNameError(`hangup: no such channel: ${name}`)
    this.#exports.delete(name)
    return { exported, dropped: exported.stop(failure) }
  }

  /** Answers a bind. */
  bind(core: LinkCore, peer: string, binding: Binding, request: BindRequest): void {
    const exported = this.#exports.get(request.name)
    const failure = this.#refusal(exported, request)
    if (failure !== undefined || exported === undefined) {
      core.refuse(binding, failure ?? noSuchChannel(request.name))
      return
    }
    const { kind, reservedBytes } = exported
    this.#reserved += reservedBytes
    this.#bound++
    this.#hooks.onBound(request.name, kind, peer)
    exported.serve({ core, binding, request, peer }, how => {
      this.#reserved -= reservedBytes
      this.#bound--
      this.#hooks.onUnbound(request.name, kind, peer, how)
    })
  }

  #refusal(exported: Exported | undefined, request: BindRequest): Failure | undefined {
    const { name } = request
    if (this.isClosing) return { code: CODE.closing, message: 'the exporter is closing' }
    if (exported === undefined) return noSuchChannel(name)
    if (exported.kind !== request.kind) {
      return { code: CODE.wrongDirection, message: `wrong direction for channel: ${name}` }
    }
    const coder = exported.sends ?? exported.receives
    if (coder !== undefined && coder.codec.name !== request.codec) {
      return {
        code: CODE.codecMismatch,
        message: `channel ${name} is encoded as ${coder.codec.name}, not as ${request.codec}`
      }
    }
    const mismatch =
      mismatchOf(exported.receives, request.sends) ?? mismatchOf(exported.sends, request.receives)
    if (mismatch !== undefined) {
      return {
        code: CODE.schemaMismatch,
        message: `channel ${name} has another schema`,
        shape: mismatch
      }
    }
    if (exported.isFull) return { code: CODE.limit, message: `too many calls of ${name} under way` }
    if (this.#reserved + exported.reservedBytes > this.#maxReservedBytes) {
      return { code: CODE.limit, message: 'no memory left to reserve for another importer' }
    }
    return undefined
  }
}

/** The shape of our schema, when the peer's fingerprint is another. */
function mismatchOf(coder: ValueCoder | undefined, theirs: Uint8Array): string | undefined {
  const ours = coder?.schema.fingerprint
  if (ours === undefined || theirs.length === 0) return undefined
  return ours.hash.every((byte, i) => byte === theirs[i]) ? undefined : ours.shape
}

function noSuchChannel(name: string): Failure {
  return { code: CODE.unknownName, message: `no such channel: ${name}` }
}
