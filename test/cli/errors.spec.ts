import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { once } from 'node:events'
import { multiaddr } from '@multiformats/multiaddr'
import {
  decodeTicket,
  encodeTicket,
  generateTicketKey,
  generateToken,
  issueTicket
} from '@warren/tunnel'
import type { Ticket } from '@warren/tunnel'
import { Stage } from './command.ts'
import type { Running } from './command.ts'
import { curl, needs, testServer } from './programs.ts'
import type { TestServer } from './programs.ts'

/** A server that accepts and never says a word, or its port after it was closed. */
async function silent(): Promise<{ server: Server; port: number }> {
  const server = createServer(socket => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

describe('what warren says when something is wrong', () => {
  let stage: Stage
  let server: TestServer
  let sharing: Running
  let ticket: string
  before(async () => {
    stage = await Stage.create()
    server = await testServer('hello\n')
    sharing = stage.warren('a', ['share', String(server.port), '--as', 'web'])
    ticket = await sharing.firstLine()
  })
  after(async () => {
    await stage.close()
    await server.close()
  })

  /** Another ticket of the same sharer, by its own key or a wrong one. */
  const forged = (key: Uint8Array, change: Partial<Ticket>): string => {
    const { sharer, channel, expires, addrs } = { ...decodeTicket(ticket), ...change }
    return encodeTicket(issueTicket(key, { sharer, channel, expires, addrs }))
  }
  const ownKey = async (): Promise<Buffer> => {
    const text = await readFile(stage.home('a/ticket-key.json'), 'utf8')
    return Buffer.from((JSON.parse(text) as { data: string }).data, 'hex')
  }
  const open = (...args: string[]): ReturnType<Stage['finished']> =>
    stage.finished('b', ['open', '--timeout', '20s', ...args])

  it('a wrong token: 77', async () => {
    await stage.finished('t', ['key', 'token'])
    const other = stage.warren('t', ['share', String(server.port), '--as', 'x', '--json'])
    const { addresses } = JSON.parse(await other.firstLine()) as { addresses: [string] }
    await writeFile(stage.home('wrong'), generateToken())
    const { code, out, err } = await open(
      'x',
      '--peer',
      addresses[0],
      '--token-file',
      stage.home('wrong')
    )
    assert.deepEqual([code, out], [77, ''])
    assert.match(err, /token/)
    await other.stop()
  })

  it('a ticket with a typing error: 77, and it is not repeated', async () => {
    const { code, err } = await open(`${ticket.slice(0, -3)}aaa`)
    assert.equal(code, 77)
    assert.match(err, /not a usable ticket.*checksum/)
    assert.doesNotMatch(err, /warren:[a-z2-7]{20}/)
  })

  it('a ticket that its sharer never issued: 77', async () => {
    const { code, out, err } = await open(forged(generateTicketKey(), {}))
    assert.deepEqual([code, out], [77, ''])
    assert.match(err, /ticket/)
  })

  it('a ticket that has expired: 77', async () => {
    const past = Math.floor(Date.now() / 1_000) - 600
    const { code, err } = await open(forged(await ownKey(), { expires: past }))
    assert.equal(code, 77)
    assert.match(err, /expired/)
  })

  it('a channel that is not shared: 69', async () => {
    const { code, err } = await open(forged(await ownKey(), { channel: 'nope' }))
    assert.equal(code, 69)
    assert.match(err, /does not share "nope" now: start "warren share" there again/)
  })

  it('a peer that is not there: 69, with the address and the cause', async () => {
    const { server: closed, port } = await silent()
    await new Promise(resolve => closed.close(resolve))
    const addrs = [multiaddr(`/ip4/127.0.0.1/tcp/${port}`)]
    const { code, err } = await open(forged(await ownKey(), { addrs }), '--timeout', '1500ms')
    assert.equal(code, 69)
    assert.match(err, /cannot reach peer 12D3/)
    assert.match(err, new RegExp(`connection refused at 127\\.0\\.0\\.1:${port}\\b`))
    assert.match(err, /is "warren share" still running there/)
  })

  it('a name that would turn a terminal around is shown escaped', async () => {
    const { server: closed, port } = await silent()
    await new Promise(resolve => closed.close(resolve))
    const addrs = [multiaddr(`/ip4/127.0.0.1/tcp/${port}`)]
    const wrong = forged(await ownKey(), { addrs, channel: 'a\u202eb' })
    const { err } = await open(wrong, '--timeout', '500ms')
    assert.match(err, /no way to a\\u202eb yet/)
    assert.doesNotMatch(err, /\u202e/)
  })

  it('a peer that never answers: 124', async () => {
    const { server: mute, port } = await silent()
    const sockets = new Set<{ destroy(): void }>()
    mute.on('connection', socket => sockets.add(socket))
    try {
      const addrs = [multiaddr(`/ip4/127.0.0.1/tcp/${port}`)]
      const { code, err } = await open(forged(await ownKey(), { addrs }), '--timeout', '1500ms')
      assert.equal(code, 124)
      assert.match(err, /no answer within 1\.5 s/)
    } finally {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => mute.close(resolve))
    }
  })

  it('another peer at the address: 69', async () => {
    const other = stage.warren('o', ['share', String(server.port), '--json'])
    const { addresses } = JSON.parse(await other.firstLine()) as { addresses: [string] }
    const addrs = [multiaddr(addresses[0]).decapsulateCode(421)]
    const { code, err } = await open(forged(await ownKey(), { addrs }), '--timeout', '1500ms')
    assert.equal(code, 69, err)
    assert.match(err, /another peer is there at 127/)
    await other.stop()
  })

  it('a port that is in use here: 69, at once', async () => {
    const { code, out, err } = await open(ticket, String(server.port))
    assert.deepEqual([code, out], [69, ''])
    assert.match(err, new RegExp(String(server.port)))
    assert.match(err, /in use|already listens/)
  })

  it('a target that nobody listens on: 69, unless --no-check', async () => {
    const { server: closed, port } = await silent()
    await new Promise(resolve => closed.close(resolve))
    const { code, out, err } = await stage.finished('c', ['share', String(port)])
    assert.deepEqual([code, out], [69, ''])
    assert.match(err, /nothing can be reached at .*start the program first/)
    const anyway = stage.warren('c', ['share', String(port), '--no-check'])
    assert.match(await anyway.firstLine(), /^warren:/)
    await anyway.stop()
  })

  it('a target that is gone later: both ends say so and stay', async function () {
    needs(this, 'curl')
    const gone = await testServer('hello\n')
    const first = stage.warren('d', ['share', String(gone.port)])
    const opening = stage.warren('e', ['open', await first.firstLine()])
    const url = await opening.firstLine()
    assert.equal(await curl(stage, url), 'hello\n')
    await gone.close()
    assert.match(await curl(stage, url), /curl exited with (52|56)/)
    await first.says(/a connection was not carried: .*refused/)
    await opening.says(/a connection was not carried/)
    const { out } = await stage.finished('d', ['status', '--json'])
    assert.match(out, /"ERR_TARGET_REFUSED":1/)
    await opening.stop()
    await first.stop()
  })

  it('a state directory that others may enter: 78', async () => {
    await writeFile(stage.home('token'), 'x')
    const { code, err } = await stage.finished('a', ['key'])
    assert.equal(code, 0, err)
    await stage.finished('loose', ['key'])
    await chmod(stage.home('loose'), 0o755)
    const loose = await stage.finished('loose', ['open', ticket])
    assert.equal(loose.code, 78)
    assert.match(loose.err, /chmod 700/)
  })

  it('a damaged identity: it is put aside, that is said, and work goes on', async () => {
    await stage.finished('damaged', ['key'])
    await writeFile(stage.home('damaged/identity.key'), 'rubbish')
    const opening = stage.warren('damaged', ['open', ticket])
    await opening.firstLine()
    assert.match(opening.err, /identity\.key is damaged .* new peer id/)
    await opening.stop()
  })

  it('a damaged ticket key: old tickets end, and a new one works', async () => {
    const first = stage.warren('k', ['share', String(server.port)])
    const old = await first.firstLine()
    await first.stop()
    await writeFile(stage.home('k/ticket-key.json'), '{"warren":1', { mode: 0o600 })
    const again = stage.warren('k', ['share', String(server.port)])
    const fresh = await again.firstLine()
    assert.match(again.err, /ticket-key\.json is damaged/)
    assert.notEqual(fresh, old)
    const opening = stage.warren('b', ['open', fresh])
    assert.match(await opening.firstLine(), /^http:/)
    await opening.stop()
    await again.stop()
  })
})
