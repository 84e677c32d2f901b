import type {
  StreamHandler,
  StreamHandlerOptions,
  StreamHandlerRecord,
  StreamMiddleware
} from '@libp2p/interface'

/** Handlers and middleware of one peer. */
export class TestRegistrar {
  readonly #handlers = new Map<string, StreamHandlerRecord>()
  readonly #middleware = new Map<string, StreamMiddleware[]>()

  handle(protocol: string, handler: StreamHandler, options: StreamHandlerOptions = {}): void {
    this.#handlers.set(protocol, { handler, options })
  }

  use(protocol: string, middleware: StreamMiddleware[]): void {
    this.#middleware.set(protocol, middleware)
  }

  getProtocols(): string[] {
    return [...this.#handlers.keys()]
  }

  getHandler(protocol: string): StreamHandlerRecord {
    const record = this.#handlers.get(protocol)
    if (record !== undefined) return record
    throw Object.assign(new Error(`no handler for ${protocol}`), { name: 'UnhandledProtocolError' })
  }

  /** The array itself, as libp2p's registrar gives it out. */
  getMiddleware(protocol: string): StreamMiddleware[] {
    return this.#middleware.get(protocol) ?? []
  }
}
