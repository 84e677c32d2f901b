import { createExporter } from '../src/exporter/exporter.ts'
import type { Exporter, ExporterOptions } from '../src/exporter/exporter-types.ts'
import { importFrom } from '../src/importer/importer.ts'
import type { Importer, ImporterOptions } from '../src/importer/importer-types.ts'
import { memoryLinks } from '../src/links/memory-link.ts'
import type { FrameLink } from '../src/links/frame-link.ts'

/** An exporter, and importers linked to it in memory; all end with it. */
export class Linked {
  readonly exporter: Exporter
  readonly #importers: Importer[] = []
  readonly #served: Promise<void>[] = []

  constructor(options: ExporterOptions = {}) {
    this.exporter = createExporter(options)
  }

  /** Another importer; with the exporter's end of its link, to cut it. */
  async join(options: ImporterOptions = {}): Promise<{ importer: Importer; link: FrameLink }> {
    const [link, theirs] = memoryLinks()
    this.#served.push(this.exporter.serveConn(link))
    const importer = await importFrom(theirs, options)
    this.#importers.push(importer)
    return { importer, link }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const importer of this.#importers) importer.abort()
    this.exporter.abort()
    await Promise.all([...this.#importers.map(importer => importer.closed), ...this.#served])
  }
}

/** One exporter and one importer. */
export async function linked(
  exporterOptions: ExporterOptions = {},
  importerOptions: ImporterOptions = {}
): Promise<{ exporter: Exporter; importer: Importer; link: FrameLink } & AsyncDisposable> {
  const pair = new Linked(exporterOptions)
  const { importer, link } = await pair.join(importerOptions)
  return {
    exporter: pair.exporter,
    importer,
    link,
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]()
  }
}

/** Lets everything that is under way in this process come to rest. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise<void>(resolve => setImmediate(resolve))
}

/** Sends without waiting until nothing more is taken; returns how many were. */
export async function fill(
  sender: { trySend(value: number): boolean },
  from = 0,
  most = 5_000
): Promise<number> {
  let sent = 0
  for (let idle = 0; idle < 3 && sent < most; ) {
    if (sender.trySend(from + sent)) {
      sent++
      idle = 0
    } else {
      await quiet()
      idle++
    }
  }
  return sent
}
