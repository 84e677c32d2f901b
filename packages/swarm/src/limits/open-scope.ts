import type { ByteAccount, ConnectionScope, StreamScope } from '@warren/interface'
import { UnregisteredConnectionError } from '../errors.ts'
import { CountedStream } from './counted-stream.ts'
import type { StreamHost } from './counted-stream.ts'
import type { CountedConnection } from './scopes.ts'

/** What the upgrader sees of a connection that is counted, until it ends. */
export class OpenScope implements ConnectionScope {
  readonly #host: StreamHost
  readonly #connection: CountedConnection
  #open = true

  constructor(host: StreamHost, connection: CountedConnection) {
    this.#host = host
    this.#connection = connection
  }

  get account(): ByteAccount {
    return this.#connection
  }

  openStream(direction: 'inbound' | 'outbound'): StreamScope {
    if (!this.#open) {
      throw new UnregisteredConnectionError('the connection has ended: dial again')
    }
    return new CountedStream(this.#host, this.#connection, direction === 'inbound')
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    for (const stream of this.#connection.live) stream.close()
    this.#connection.close()
    this.#host.letGo(this.#connection)
  }
}
