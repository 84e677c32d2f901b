// Runs in the page, where nothing of Node is: types are all that it imports.
import type { IdentifyResult, Stream } from '@libp2p/interface'
import type { DialError } from '@warren/swarm'
import type * as Warren from '../peers/warren.ts'

/** Something that failed, in words that leave the page. */
export interface Failure {
  readonly code: unknown
  readonly message: string
  /** Each address that was tried: the step that failed, and the code of the innermost cause. */
  readonly attempts: readonly { readonly step: string; readonly cause: unknown }[]
}

/** What a test does with the peer in the page. */
export type Actions = Awaited<ReturnType<typeof openPeer>>

const CHUNK = 65_536

/** Makes the page's peer, and gives what a test does with it. */
export async function openPeer({ createPeer, multiaddr }: typeof Warren) {
  const swarm = await createPeer()
  const identified = new Map<string, PromiseWithResolvers<IdentifyResult>>()
  const identifying = (peer: string): PromiseWithResolvers<IdentifyResult> => {
    const known = identified.get(peer) ?? Promise.withResolvers<IdentifyResult>()
    identified.set(peer, known)
    return known
  }
  swarm.addEventListener('peer:identify', ({ detail }) => {
    identifying(detail.peerId.toString()).resolve(detail)
  })

  return {
    id: swarm.peerId.toString(),
    peers: () => swarm.peers().map(String),

    /** Whom a dial reaches, and over what. */
    async dial(address: string) {
      const connection = await swarm.dial(multiaddr(address))
      const { remotePeer, encryption, multiplexer, direction, status } = connection
      return { peer: remotePeer.toString(), encryption, multiplexer, direction, status }
    },

    /** What a dial that must fail fails with. */
    async dialInVain(address: string): Promise<Failure> {
      try {
        await swarm.dial(multiaddr(address))
      } catch (error) {
        const { code, message, attempts } = error as DialError
        return {
          code,
          message,
          attempts: attempts.map(({ step, error: why }) => ({ step, cause: innermost(why) }))
        }
      }
      throw new Error(`${address} was dialled`)
    },

    /** Milliseconds of a round trip. */
    ping: async (address: string) => swarm.services.ping.ping(multiaddr(address)),

    /** What identify has told of a connected peer. */
    async identify(peer: string) {
      const { agentVersion, protocols, listenAddrs, signedPeerRecord } =
        await identifying(peer).promise
      return {
        agentVersion,
        protocols,
        listenAddrs: listenAddrs.map(String),
        signed: signedPeerRecord !== undefined
      }
    },

    /** Sends random bytes and ends; what comes back until the peer ends, by SHA-256. */
    async exchange(address: string, protocol: string, bytes: number) {
      const data = new Uint8Array(bytes)
      for (let at = 0; at < bytes; at += CHUNK) {
        crypto.getRandomValues(data.subarray(at, at + CHUNK))
      }
      const stream = await swarm.newStream(multiaddr(address), protocol)
      const answer = answerOf(stream)
      for (let at = 0; at < bytes; at += CHUNK) {
        if (!stream.send(data.subarray(at, at + CHUNK))) await drained(stream)
      }
      await stream.close()
      const received = await answer
      return {
        sent: await sha256(data),
        received: await sha256(received),
        bytes: received.byteLength,
        answer: received.byteLength > 32 ? '' : hex(received)
      }
    },

    /** Serves a protocol that sends back what comes. */
    serveEcho: async (protocol: string) =>
      swarm.handle(protocol, async stream => {
        for await (const data of stream) {
          if (!stream.send(data)) await drained(stream)
        }
        await stream.close()
      }),

    close: async () => swarm.close()
  }
}

function innermost(error: Error): unknown {
  return error.cause instanceof Error ? innermost(error.cause) : Reflect.get(error, 'code')
}

/** All bytes of a stream, once both its directions have ended. */
async function answerOf(stream: Stream): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => parts.push(data.subarray()))
    stream.addEventListener('close', ({ error }) => {
      if (error === undefined) resolve()
      else reject(error)
    })
  })
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer())
}

async function drained(stream: Stream): Promise<void> {
  await new Promise(resolve => {
    stream.addEventListener('drain', resolve, { once: true })
  })
}

async function sha256(data: Uint8Array): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
