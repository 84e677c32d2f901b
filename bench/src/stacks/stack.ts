/** A two-way stream of bytes, as thin as each stack allows. */
export interface BenchStream {
  /** `false` when the stream is full: wait for {@link BenchStream.drained}. */
  write(chunk: Uint8Array): boolean
  drained(): Promise<void>
  /** Called with bytes as they come. */
  onData(listener: (bytes: Uint8Array) => void): void
  /** Called when the other side has ended its direction. */
  onEnd(listener: () => void): void
  /** Ends our direction. */
  end(): void
}

/** One connection to the server. */
export interface BenchConnection {
  open(): Promise<BenchStream>
  close(): Promise<void>
}

/** A node that dials. */
export interface BenchClient {
  /** A new connection. One at a time: a node may join dials of one address that run together. */
  dial(address: string): Promise<BenchConnection>
}

/** A server that runs. */
export interface BenchServer {
  readonly address: string
  /** Connections taken so far. */
  connections(): number
}

/** A way to carry streams between two processes. */
export interface Stack {
  /** Starts a server that calls `onStream` for every stream. */
  listen(onStream: (stream: BenchStream) => void): Promise<BenchServer>
  client(): Promise<BenchClient>
}
