import { multiaddr } from '@multiformats/multiaddr'
import { createTunnel } from '@warren/tunnel'
import type { ByteSession, Session } from '@warren/tunnel'
import type { BenchStream, Stack } from './stack.ts'
import { benchSwarm, listeningSwarm } from './warren.ts'

const CHANNEL = 'bench'
const TUNNEL = { open: true } as const

/** Sessions of a tunnel: of bytes, or of messages, where each chunk that is written is a message. */
export function warrenSession(kind: 'bytes' | 'messages'): Stack {
  return {
    async listen(onStream) {
      const server = await listeningSwarm('own')
      const tunnel = createTunnel(server.swarm, TUNNEL)
      const accepting =
        kind === 'bytes'
          ? serve(await tunnel.listen(CHANNEL, { bytes: true }), fromBytes, onStream)
          : serve(await tunnel.listen(CHANNEL), fromMessages, onStream)
      accepting.catch((error: unknown) => {
        console.error(error)
        process.exit(1)
      })
      return server
    },
    async client() {
      const swarm = await benchSwarm('own')
      return {
        async dial(address) {
          const tunnel = createTunnel(swarm, { ...TUNNEL, nodes: [multiaddr(address)] })
          await tunnel.connect()
          return {
            open: async () =>
              kind === 'bytes'
                ? fromBytes(await tunnel.dial(CHANNEL, { bytes: true }))
                : fromMessages(await tunnel.dial(CHANNEL)),
            close: async () => tunnel.close()
          }
        }
      }
    }
  }
}

async function serve<S>(
  sessions: AsyncIterable<S>,
  adapt: (session: S) => BenchStream,
  onStream: (stream: BenchStream) => void
): Promise<void> {
  for await (const session of sessions) onStream(adapt(session))
}

function fromBytes(session: ByteSession): BenchStream {
  let onData: (bytes: Uint8Array) => void = () => {}
  let onEnd: (() => void) | undefined
  const read = (): void => {
    for (let bytes = session.read(); bytes !== undefined; bytes = session.read()) onData(bytes)
    if (!session.readEnded) return
    onEnd?.()
    onEnd = undefined
  }
  return {
    write: chunk => session.write(chunk),
    drained: async () => session.drained(),
    onData: listener => {
      onData = listener
      session.onReadable = read
    },
    onEnd: listener => {
      onEnd = listener
    },
    end: () => session.closeWrite()
  }
}

function fromMessages(session: Session): BenchStream {
  let onEnd: (() => void) | undefined
  let sending: Promise<void> = Promise.resolve()
  return {
    write: chunk => {
      sending = session.send({ body: chunk })
      return false
    },
    drained: async () => sending,
    onData: listener => {
      const read = async (): Promise<void> => {
        for await (const { body } of session) listener(body)
        onEnd?.()
      }
      read().catch(() => onEnd?.())
    },
    onEnd: listener => {
      onEnd = listener
    },
    end: () => {
      session.close().catch(() => {})
    }
  }
}
