import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import type { SlotGrantingUpgrader, UpgradeSlot } from '@warren/interface'
import { MESSAGE, message } from '../src/association/messages.ts'
import type { NetstackConnection } from '../src/connection.ts'
import { dial } from '../src/dial.ts'
import type { NetstackListener } from '../src/index.ts'
import { netstack } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import type { NetstackOptions } from '../src/options.ts'

const LOCAL = multiaddr('/ip4/127.0.0.1/udp/0/netstack')
const logger = defaultLogger()
const log = logger.forComponent('test')

/** An upgrader that keeps what it is given. */
class Keeper {
  readonly connections: MultiaddrConnection[] = []
  #arrived = Promise.withResolvers<MultiaddrConnection>()

  get next(): Promise<MultiaddrConnection> {
    return this.#arrived.promise
  }

  get upgrader(): Upgrader {
    const upgradeInbound = async (connection: MultiaddrConnection): Promise<void> => {
      this.connections.push(connection)
      this.#arrived.resolve(connection)
      this.#arrived = Promise.withResolvers()
    }
    return { upgradeInbound } as unknown as Upgrader
  }
}

describe('netstack()', () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })

  async function listen(
    upgrader: SlotGrantingUpgrader,
    options: NetstackOptions = {},
    addr = LOCAL
  ): Promise<NetstackListener> {
    const listener = netstack(options)({ logger }).createListener({ upgrader })
    await listener.listen(addr)
    cleanups.push(() => listener.close())
    return listener
  }

  async function connect(
    listener: NetstackListener,
    options: NetstackOptions = {}
  ): Promise<NetstackConnection> {
    const [addr] = listener.getAddrs()
    assert.ok(addr)
    const signal = AbortSignal.timeout(8_000)
    const connection = await dial(addr, resolveOptions(options), log, signal)
    cleanups.push(() => connection.abort(new Error('the test is over')))
    return connection
  }

  async function udp(): Promise<Socket> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    cleanups.push(() => socket.close())
    return socket
  }

  it('carries bytes both ways, and what one end closes the other sees closed', async () => {
    const keeper = new Keeper()
    const listener = await listen(keeper.upgrader)
    const arriving = keeper.next
    const here = await connect(listener)
    const there = await arriving
    const heard: number[] = []
    there.addEventListener('message', event => {
      heard.push(...event.data.subarray())
      there.send(event.data)
    })
    const back = once(here as unknown as EventTarget, 'message')
    here.send(Uint8Array.of(1, 2, 3))
    const [event] = (await back) as [{ data: Uint8Array }]
    assert.deepEqual([...event.data.subarray()], [1, 2, 3])
    assert.deepEqual(heard, [1, 2, 3])
    const ended = once(there as unknown as EventTarget, 'close')
    await here.close()
    await ended
    assert.equal(there.status, 'closed')
    assert.equal(here.status, 'closed')
  })

  it('works without the offload of the kernel, and with one end that has it', async () => {
    for (const [a, b] of [
      [false, false],
      [true, false],
      [false, true]
    ] as const) {
      const keeper = new Keeper()
      const listener = await listen(keeper.upgrader, { offload: a })
      const arriving = keeper.next
      const here = await connect(listener, { offload: b })
      const there = await arriving
      let bytes = 0
      const done = Promise.withResolvers<void>()
      there.addEventListener('message', ({ data }) => {
        bytes += data.byteLength
        if (bytes === 500_000) done.resolve()
      })
      here.send(new Uint8Array(500_000))
      await done.promise
    }
  })

  it('says that nothing listens on a port', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.close()
    const dialling = dial(
      multiaddr(`/ip4/127.0.0.1/udp/${port}/netstack`),
      resolveOptions(),
      log,
      AbortSignal.timeout(8_000)
    )
    await assert.rejects(dialling, { code: 'ERR_UDP_CONNECT' })
  })

  it('gives up a port that never answers', async () => {
    const silent = await udp()
    const dialling = dial(
      multiaddr(`/ip4/127.0.0.1/udp/${silent.address().port}/netstack`),
      resolveOptions({ connectTimeout: 300 }),
      log,
      AbortSignal.timeout(8_000)
    )
    await assert.rejects(dialling, { code: 'ERR_UDP_CONNECT_TIMEOUT' })
  })

  it('ends a dial when its signal does', async () => {
    const silent = await udp()
    const controller = new AbortController()
    const dialling = dial(
      multiaddr(`/ip4/127.0.0.1/udp/${silent.address().port}/netstack`),
      resolveOptions(),
      log,
      controller.signal
    )
    const asked = once(silent, 'message')
    await asked
    controller.abort(new Error('changed my mind'))
    await assert.rejects(dialling, { message: 'changed my mind' })
  })

  it('does not take a port that is in use, nor an address of another transport', async () => {
    const taken = await udp()
    const other = netstack()({ logger })
    for (const offload of [true, false]) {
      const listener = netstack({ offload })({ logger }).createListener({
        upgrader: new Keeper().upgrader
      })
      await assert.rejects(
        listener.listen(multiaddr(`/ip4/127.0.0.1/udp/${taken.address().port}/netstack`)),
        { code: 'ERR_UDP_ADDRESS_IN_USE' }
      )
    }
    const addrs = ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/udp/1', '/ip4/127.0.0.1/udp/1/quic-v1']
    assert.deepEqual(other.dialFilter(addrs.map(addr => multiaddr(addr))), [])
    assert.deepEqual(other.listenFilter([LOCAL]), [LOCAL])
  })

  it('refuses options that cannot work', () => {
    const wrong = [
      { mtu: 100 },
      { mtu: 1500.5 },
      { congestion: 'bbr' },
      { offload: 1 },
      { speed: 9 }
    ]
    for (const options of wrong) {
      assert.throws(() => netstack(options as NetstackOptions), { code: 'ERR_UDP_OPTIONS' })
    }
  })

  it('answers no SYN before the upgrader has a slot', async () => {
    const keeper = new Keeper()
    const slot = Promise.withResolvers<UpgradeSlot>()
    const asked = Promise.withResolvers<void>()
    const upgrader: SlotGrantingUpgrader = Object.assign(keeper.upgrader, {
      slot: () => {
        asked.resolve()
        return slot.promise
      }
    })
    const listener = await listen(upgrader)
    let connected = false
    const connecting = connect(listener).then(connection => {
      connected = true
      return connection
    })
    await asked.promise
    assert.equal(listener.stats().waiting, 1)
    assert.equal(connected, false)
    const arriving = keeper.next
    const released = new Promise<void>(release => slot.resolve({ release }))
    await connecting
    await arriving
    assert.equal(listener.stats().accepted, 1)
    await released
  })

  it('refuses a dialler that the upgrader wants none of', async () => {
    const upgrader: SlotGrantingUpgrader = Object.assign(new Keeper().upgrader, {
      slot: async () => {
        throw new Error('too many of you')
      }
    })
    const listener = await listen(upgrader)
    await assert.rejects(connect(listener), { code: 'ERR_UDP_CONNECT' })
    assert.equal(listener.stats().refused, 1)
  })

  it('holds a sender back whose peer does not read', async () => {
    const keeper = new Keeper()
    const listener = await listen(keeper.upgrader, { maxReceiveBuffer: 131_072 })
    const arriving = keeper.next
    const here = await connect(listener, { sendBuffer: 65_536 })
    const there = await arriving
    there.pause()
    let sent = 0
    while (sent < 2 ** 20) {
      sent += 16_384
      if (!here.send(new Uint8Array(16_384))) break
    }
    assert.ok(sent < 2 ** 20, `it took ${sent} bytes`)
    let read = 0
    const all = Promise.withResolvers<void>()
    there.addEventListener('message', ({ data }) => {
      read += data.byteLength
      if (read === sent) all.resolve()
    })
    there.resume()
    await all.promise
  })

  it('tells a dialler at once that its listener was restarted', async () => {
    const keeper = new Keeper()
    const listener = await listen(keeper.upgrader)
    const relay = await udp()
    const [addr] = listener.getAddrs()
    const port = Number(addr?.getComponents().find(({ name }) => name === 'udp')?.value)
    // A listener that has forgotten: the messages come to one that never knew the id.
    const here = await connect(listener)
    relay.send(message(MESSAGE.beat, 12_345), port, '127.0.0.1')
    const [answer] = (await once(relay, 'message')) as [Uint8Array]
    assert.deepEqual([...answer], [...message(MESSAGE.unknown, 12_345)])
    assert.equal(here.status, 'open', 'which is nothing to anybody else')
  })

  it('keeps nothing of a flood of strangers, and serves the honest meanwhile', async () => {
    const keeper = new Keeper()
    const listener = await listen(keeper.upgrader)
    const [addr] = listener.getAddrs()
    const port = Number(addr?.getComponents().find(({ name }) => name === 'udp')?.value)
    const flood = await udp()
    for (let i = 1; i <= 3_000; i++) {
      flood.send(message(MESSAGE.initiate, i), port, '127.0.0.1')
      flood.send(Buffer.alloc(1_200, i), port, '127.0.0.1')
      if (i % 100 === 0) await new Promise(setImmediate)
    }
    await connect(listener)
    assert.equal(listener.stats().associations.open, 1)
  })
})
