import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { decodeTicket, generateToken, parseToken } from '@warren/tunnel'
import { Stage } from '../cli/command.ts'
import { startPeer } from '../support/start-peer.ts'
import { RecordingProxy } from '../support/recording-proxy.ts'

/** Repeated so often in each direction, so that no frame boundary can hide all of them. */
const REPEATED = 2_000

/** What must not be seen on the way. */
interface Secrets {
  readonly token: string
  readonly channel: string
  readonly request: string
  readonly answer: string
}

function secrets(): Secrets {
  const text = (): string => randomBytes(24).toString('hex')
  const [channel, request, answer] = [`channel-${text()}`, `request-${text()}`, `answer-${text()}`]
  return { token: generateToken(), channel, request, answer }
}

/** All forms in which bytes may show themselves: raw, hexadecimal, base64 at each of its three phases. */
function forms(secret: Buffer): Buffer[] {
  const text = [secret.toString('hex'), secret.toString('hex').toUpperCase()]
  for (let phase = 0; phase < 3; phase++) {
    const shifted = Buffer.concat([Buffer.alloc(phase), secret])
    // Without the digits that also depend on what stands before and after.
    const from = phase === 0 ? 0 : 4
    const to = Math.floor(shifted.length / 3) * 4
    text.push(shifted.toString('base64').slice(from, to))
    text.push(shifted.toString('base64url').slice(from, to))
  }
  return [secret, ...text.map(each => Buffer.from(each))]
}

/** Which secrets are seen in what was recorded, in whatever form. */
function seen(recorded: readonly Buffer[], given: Secrets): string[] {
  // A token is text around 32 bytes: either may be sent.
  const all: Record<keyof Secrets, Buffer[]> = {
    token: [Buffer.from(given.token), Buffer.from(parseToken(given.token))],
    channel: [Buffer.from(given.channel)],
    request: [Buffer.from(given.request)],
    answer: [Buffer.from(given.answer)]
  }
  return Object.entries(all).flatMap(([name, values]) =>
    recorded.some(bytes => values.flatMap(forms).some(form => bytes.includes(form))) ? [name] : []
  )
}

/** A server that answers each connection, after the first bytes, with the answer. */
async function answering({ answer }: Secrets): Promise<net.Server> {
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(answer.repeat(REPEATED)))
    socket.on('data', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function ask(port: number, { request, answer }: Secrets): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  const expected = answer.length * REPEATED
  let received = ''
  const all = Promise.withResolvers<void>()
  socket.on('error', all.reject)
  socket.on('close', () => all.reject(new Error(`closed after ${received.length} bytes`)))
  socket.on('data', chunk => {
    received += chunk.toString()
    if (received.length >= expected) all.resolve()
  })
  socket.write(request.repeat(REPEATED))
  await all.promise
  assert.equal(received, answer.repeat(REPEATED))
  socket.end()
  await once(socket, 'close')
}

describe('what can be read on the way between two peers', () => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    while (ends.length > 0) await ends.pop()?.()
  })

  function close(server: net.Server): void {
    ends.push(async () => {
      const closed = once(server, 'close')
      server.close()
      await closed
    })
  }

  async function recorder(): Promise<RecordingProxy> {
    const proxy = await RecordingProxy.start()
    ends.push(() => proxy.close())
    return proxy
  }

  /** Carries the request and the answer through a shared port; what passed between the peers. */
  async function carried(given: Secrets, plaintext: boolean): Promise<Buffer[]> {
    const server = await answering(given)
    close(server)
    const proxy = await recorder()
    const [far, near] = [startPeer(), startPeer()]
    ends.push(
      () => far.stop(),
      () => near.stop()
    )
    const { token, channel } = given
    const address = await far.call('start', { token, plaintext })
    const [, port, peer] = /\/tcp\/(\d+)\/p2p\/(.+)$/.exec(address) ?? []
    proxy.target = Number(port)
    await far.call('share', channel, (server.address() as AddressInfo).port)
    const nodes = [`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${peer}`]
    await near.call('start', { token, plaintext, nodes })
    await ask(await near.call('open', channel), given)
    const recorded = proxy.recorded()
    const bytes = recorded.reduce((sum, { length }) => sum + length, 0)
    const payload = (given.request.length + given.answer.length) * REPEATED
    assert.ok(bytes > payload, `${bytes} bytes were recorded, of a payload of ${payload}`)
    return recorded
  }

  it('is nothing of payload, channel or token', async () => {
    const given = secrets()
    assert.deepEqual(seen(await carried(given, false), given), [])
  })

  it('is nothing of a ticket', async () => {
    const given = secrets()
    const server = await answering(given)
    close(server)
    const proxy = await recorder()
    const stage = await Stage.create()
    ends.push(() => stage.close())
    const sharing = stage.warren('a', [
      'share',
      String((server.address() as AddressInfo).port),
      '--json',
      '--as',
      given.channel,
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--announce',
      `/ip4/127.0.0.1/tcp/${proxy.port}`
    ])
    const told = JSON.parse(await sharing.firstLine()) as { ticket: string; addresses: string[] }
    proxy.target = Number(/\/tcp\/(\d+)/.exec(told.addresses[0] ?? '')?.[1])
    const opening = stage.warren('b', ['open', told.ticket, '--json'])
    await ask((JSON.parse(await opening.firstLine()) as { port: number }).port, given)
    const recorded = proxy.recorded()
    assert.ok(Buffer.concat(recorded).length > given.answer.length * REPEATED, 'it was recorded')
    assert.deepEqual(seen(recorded, given), [])
    const { secret } = decodeTicket(told.ticket)
    for (const part of [Buffer.from(secret), Buffer.from(told.ticket.slice('warren:'.length))]) {
      assert.ok(!recorded.some(bytes => forms(part).some(form => bytes.includes(form))))
    }
  })

  it('is payload and channel without security, but never the token', async () => {
    const given = secrets()
    const found = seen(await carried(given, true), given)
    assert.deepEqual(found, ['channel', 'request', 'answer'])
  })

  it('is everything, in each form, when it is sent over plain TCP', async () => {
    const given = secrets()
    for (const [name, values] of Object.entries({
      token: [Buffer.from(given.token), Buffer.from(parseToken(given.token))],
      channel: [Buffer.from(given.channel)],
      request: [Buffer.from(given.request)]
    })) {
      for (const value of values) {
        for (const encode of ['latin1', 'hex', 'base64', 'base64url'] as const) {
          for (const before of ['', 'x', 'xx']) {
            const server = await answering(given)
            close(server)
            const proxy = await recorder()
            proxy.target = (server.address() as AddressInfo).port
            const sent = Buffer.concat([Buffer.from(before), value, Buffer.from('after')])
            const text = sent.toString(encode)
            const socket = net.connect(proxy.port, '127.0.0.1')
            socket.end(Buffer.from(text, 'latin1'))
            socket.resume()
            await once(socket, 'close')
            const found = seen(proxy.recorded(), given)
            assert.ok(found.includes(name), `${name} as ${encode} after "${before}"`)
          }
        }
      }
    }
  })
})
