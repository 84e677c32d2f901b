import assert from 'node:assert/strict'
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { encodeLengthPrefixed } from '@warren/utils'
import { createRelay } from '../src/index.ts'
import { STACK } from '../src/node/defaults.ts'

const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const STOP = '/libp2p/circuit/relay/0.2.0/stop'
const KiB = 1_024
const MiB = KiB * KiB

/** Protobuf of the hop and stop messages that are needed: field 1 is the type. */
const RESERVE = Uint8Array.of(0x08, 0)
const STOP_OK = Uint8Array.of(0x08, 1, 0x20, 100)
function connectTo({ peerId }: Swarm): Uint8Array {
  const id = peerId.toMultihash().bytes
  return Uint8Array.of(0x08, 1, 0x12, id.length + 2, 0x0a, id.length, ...id)
}

/** What a stream brings, one event at a time. */
function bytesOf(stream: Stream): { count: number; ended: boolean } {
  const seen = { count: 0, ended: false }
  stream.addEventListener('message', ({ data }: StreamMessageEvent) => {
    seen.count += data.byteLength
  })
  stream.addEventListener('remoteCloseWrite', () => (seen.ended = true))
  stream.addEventListener('close', () => (seen.ended = true))
  return seen
}

async function until(check: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + 5_000
  while (!check()) {
    assert.ok(performance.now() < limit, `waited in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

describe('a circuit of the relay', () => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    while (ends.length > 0) await ends.pop()?.()
  })

  const swarm = async (): Promise<Swarm> => {
    const {
      transports: [tcp],
      ...stack
    } = STACK
    assert.ok(tcp)
    const made = await createSwarm({ ...stack, transports: [tcp] })
    ends.push(() => made.close())
    return made
  }

  /** A raw circuit: both ends of the relayed stream, behind the messages of the protocol. */
  const circuit = async (bytes: number): Promise<{ near: Stream; far: Stream }> => {
    const [from, to] = [await swarm(), await swarm()]
    const relay = await createRelay({
      listen: ['/ip4/127.0.0.1/tcp/0'],
      allow: [to.peerId.toString()],
      memberLimits: { bytes }
    })
    ends.push(() => relay.close())
    const address = multiaddr(relay.addresses()[0])
    const arrived = Promise.withResolvers<Stream>()
    await to.handle(STOP, stream => {
      stream.addEventListener(
        'message',
        () => {
          stream.pause()
          stream.send(encodeLengthPrefixed(STOP_OK))
          arrived.resolve(stream)
        },
        { once: true }
      )
    })
    const seat = await to.newStream(address, HOP)
    seat.send(encodeLengthPrefixed(RESERVE))
    await until(() => relay.status().seats.length === 1, 'the seat is taken')
    const near = await from.newStream(address, HOP)
    near.send(encodeLengthPrefixed(connectTo(to)))
    // The relay's answer: then the two are one.
    await new Promise(resolve => near.addEventListener('message', resolve, { once: true }))
    const far = await arrived.promise
    // What is left unread would be waited for.
    ends.push(async () =>
      [near, far, seat].forEach(each => each.abort(new Error('the test is over')))
    )
    return { near, far }
  }

  it('holds a sender back whose receiver does not read', async () => {
    const { near, far } = await circuit(1_000 * MiB)
    let sent = 0
    const chunk = new Uint8Array(64 * KiB)
    const fill = (): void => {
      while (sent < 64 * MiB) {
        sent += chunk.length
        if (!near.send(chunk)) break
      }
    }
    near.addEventListener('drain', fill)
    fill()
    let before = -1
    while (before !== sent) {
      before = sent
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    assert.ok(sent < 8 * MiB, `${sent} bytes were taken although nobody reads them`)

    const seen = bytesOf(far)
    far.resume()
    await until(() => seen.count >= 16 * MiB, 'it flows again once they are read')
  })

  it('ends at its limit, behind all that it has let through', async () => {
    const { near, far } = await circuit(256 * KiB)
    const seen = bytesOf(far)
    far.resume()
    // More at once than may pass.
    for (let sent = 0; sent < 2 * MiB; sent += 64 * KiB) near.send(new Uint8Array(64 * KiB))
    await until(() => seen.ended && near.status !== 'open', 'it ends at both ends')
    assert.ok(seen.count >= 256 * KiB && seen.count < 512 * KiB, `${seen.count} bytes came through`)
  })
})
