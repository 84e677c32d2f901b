import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { MultiaddrConnection, UpgraderOptions } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { InboundUpgradeOptions, SlotGrantingUpgrader } from '@warren/interface'
import type { DescriptorBudget } from '../src/descriptors.ts'
import type { TcpListener } from '../src/listener-stats.ts'
import { SocketListener } from '../src/listener.ts'
import { resolveOptions, type TcpOptions } from '../src/options.ts'
import { Scene, budget, closed, gone, logger, pattern, rawUpgrader, until } from './support.ts'

const ANY_PORT = multiaddr('/ip4/127.0.0.1/tcp/0')

describe('listener', () => {
  const scene = new Scene()
  const listeners: TcpListener[] = []
  afterEach(async () => {
    await scene.end()
    await Promise.all(listeners.splice(0).map(listener => listener.close()))
  })

  function listener(
    upgrader: SlotGrantingUpgrader,
    options: TcpOptions = {},
    descriptors: DescriptorBudget = budget()
  ): TcpListener {
    const made = new SocketListener({
      upgrader,
      logger,
      options: resolveOptions(options),
      descriptors,
      probeInterval: 20
    })
    listeners.push(made)
    return made
  }

  function addr(of: TcpListener): ReturnType<TcpListener['getAddrs']>[number] {
    const [first] = of.getAddrs()
    assert.ok(first !== undefined)
    return first
  }

  describe('addresses', () => {
    it('tells the port it was given, and its events in order', async () => {
      const made = listener(rawUpgrader())
      const events: string[] = []
      for (const name of ['listening', 'error', 'close'] as const) {
        made.addEventListener(name, () => events.push(name))
      }
      assert.deepEqual(made.getAddrs(), [])
      await made.listen(ANY_PORT)
      assert.match(addr(made).toString(), /^\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d*$/)
      await made.close()
      await made.close()
      assert.deepEqual(made.getAddrs(), [])
      assert.deepEqual(events, ['listening', 'close'])
    })

    it('expands a wildcard to the addresses of the interfaces', async () => {
      const made = listener(rawUpgrader())
      await made.listen(multiaddr('/ip4/0.0.0.0/tcp/0'))
      const expected = Object.values(networkInterfaces())
        .flatMap(list => list ?? [])
        .filter(({ family, address }) => family === 'IPv4' && !address.startsWith('169.254.'))
        .map(({ address }) => address)
      const hosts = made.getAddrs().map(ma => ma.getComponents()[0]?.value)
      assert.deepEqual(hosts, expected)
      assert.ok(!hosts.includes('0.0.0.0'))
    })

    it('says what to do when the address is taken', async () => {
      const first = listener(rawUpgrader())
      await first.listen(ANY_PORT)
      const second = listener(rawUpgrader())
      const errors: Error[] = []
      second.addEventListener('error', event => errors.push(event.detail))
      await assert.rejects(second.listen(addr(first)), {
        code: 'ERR_TCP_ADDRESS_IN_USE',
        message: /is in use.*choose another port/
      })
      assert.equal(errors.length, 1)
      await second.listen(ANY_PORT)
      await assert.rejects(second.listen(ANY_PORT), { code: 'ERR_TCP_LISTENER_STATE' })
    })

    it('says what is wrong with an address that is not of this machine', async () => {
      await assert.rejects(listener(rawUpgrader()).listen(multiaddr('/ip4/192.0.2.1/tcp/0')), {
        code: 'ERR_TCP_LISTEN',
        message: /EADDRNOTAVAIL, this machine has no such address/
      })
    })

    it('shares a port under reusePort', async function () {
      if (process.platform !== 'linux') {
        Object.assign(this.currentTest ?? this.test ?? {}, { skipReason: 'Linux: reads /proc' })
        this.skip()
      }
      const first = listener(rawUpgrader(), { reusePort: true })
      await first.listen(ANY_PORT)
      const second = listener(rawUpgrader(), { reusePort: true })
      await second.listen(addr(first))
      assert.equal(addr(second).toString(), addr(first).toString())
    })

    it('closes before and while it begins to listen', async () => {
      await listener(rawUpgrader()).close()
      const made = listener(rawUpgrader())
      const listening = made.listen(ANY_PORT)
      const closing = made.close()
      await assert.rejects(listening, { code: 'ERR_TCP_LISTENER_CLOSED' })
      await closing
    })
  })

  describe('with an upgrader like libp2p’s, which grants no slots', () => {
    it('hands every socket over at once', async () => {
      const conns: MultiaddrConnection[] = []
      const made = listener(rawUpgrader(conn => void conns.push(conn)))
      await made.listen(ANY_PORT)
      const clients = await Promise.all(Array.from({ length: 20 }, () => scene.client(addr(made))))
      await until(() => conns.length === 20)
      for (const [i, client] of clients.entries()) client.write(pattern(100, i))
      for (const conn of conns) {
        const port = Number(conn.remoteAddr.getComponents()[1]?.value)
        const i = clients.findIndex(client => client.localPort === port)
        for await (const chunk of conn) {
          assert.deepEqual(chunk, pattern(100, i))
          break
        }
        assert.equal(conn.direction, 'inbound')
      }
      assert.deepEqual(made.stats(), {
        waiting: 0,
        upgrading: 0,
        open: 20,
        accepted: 20,
        refused: { full: 0, descriptors: 0, source: 0 },
        abandoned: 0,
        failed: 0
      })
    })

    it('a failed upgrade resets its socket and no other', async () => {
      let turn = 0
      const made = listener(
        rawUpgrader(() => {
          if (turn++ === 0) throw new Error('no muxer in common')
        })
      )
      await made.listen(ANY_PORT)
      assert.equal(await gone(scene.start(addr(made))), 'ECONNRESET')
      const second = await scene.client(addr(made))
      await until(() => made.stats().open === 1)
      assert.equal(made.stats().failed, 1)
      assert.equal(second.destroyed, false)
    })

    it('close() ends connections and upgrades under way and leaves nothing', async () => {
      const reasons: unknown[] = []
      let turn = 0
      const conns: MultiaddrConnection[] = []
      const upgrading = (
        conn: MultiaddrConnection,
        { signal }: UpgraderOptions
      ): Promise<void> | void => {
        conns.push(conn)
        if (turn++ === 0) return
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            reject(signal.reason as Error)
          })
        })
      }
      const descriptors = budget()
      const made = listener(rawUpgrader(upgrading), {}, descriptors)
      await made.listen(ANY_PORT)
      const clients = await Promise.all([scene.client(addr(made)), scene.client(addr(made))])
      await until(() => made.stats().open === 2)
      conns[0]?.send(pattern(1_000))
      const ends = clients.map(client => gone(client.once('end', () => client.end())))
      await made.close()
      assert.deepEqual(
        reasons.map(reason => (reason as { code?: string }).code),
        ['ERR_TCP_LISTENER_CLOSED']
      )
      assert.equal(made.stats().open, 0)
      assert.equal(descriptors.use().held, 0)
      assert.deepEqual(
        conns.map(conn => conn.status),
        ['closed', 'aborted']
      )
      await Promise.all(ends)
      assert.equal(clients[0]?.bytesRead, 1_000)
    })
  })

  describe('with an upgrader that grants slots', () => {
    /** Grants `free` slots, and more when told to. */
    class Slots {
      readonly conns: MultiaddrConnection[] = []
      readonly waits: { grant: () => void; signal: AbortSignal; from: string }[] = []
      free = 0
      released = 0
      finish: (() => void)[] = []

      readonly upgrader: SlotGrantingUpgrader = Object.assign(
        rawUpgrader((conn, options: InboundUpgradeOptions) => {
          assert.ok(options.slot !== undefined, 'the slot must come with the upgrade')
          this.conns.push(conn)
          return new Promise<void>(resolve => this.finish.push(resolve))
        }),
        {
          slot: ({ remoteAddr, signal }: { remoteAddr: unknown; signal?: AbortSignal }) =>
            new Promise<{ release(): void }>((resolve, reject) => {
              assert.ok(signal !== undefined)
              const wait = {
                signal,
                from: String(remoteAddr),
                grant: () => resolve({ release: () => void this.released++ })
              }
              signal.addEventListener('abort', () => {
                this.waits.splice(this.waits.indexOf(wait), 1)
                reject(signal.reason as Error)
              })
              this.waits.push(wait)
              if (this.free-- > 0) this.grant(1)
            })
        }
      )

      grant(n: number): void {
        for (const wait of this.waits.splice(0, n)) wait.grant()
      }
    }

    it('reads exactly as many of 200 sockets as there are slots; the others proceed later', async () => {
      const slots = new Slots()
      slots.free = 10
      const made = listener(slots.upgrader)
      await made.listen(ANY_PORT)
      const clients = await Promise.all(
        Array.from({ length: 200 }, (_, i) => {
          const client = scene.start(addr(made))
          client.write(pattern(64 * 1024, i))
          return once(client, 'connect').then(() => client)
        })
      )
      await until(() => made.stats().accepted === 200)
      assert.equal(slots.conns.length, 10)
      assert.deepEqual(
        [made.stats().waiting, made.stats().upgrading, made.stats().open],
        [190, 10, 10]
      )
      await until(() => slots.conns.every(conn => conn.readBufferLength === 64 * 1024))

      // Nothing was read of the others: what a client can send is what the kernel's buffers take.
      const waiting = clients.filter(client =>
        slots.waits.some(wait => wait.from.endsWith(`/tcp/${client.localPort}`))
      )
      assert.equal(waiting.length, 190)
      const probe = waiting[0] as Socket
      probe.write(Buffer.alloc(32 * 1024 * 1024))
      await new Promise(resolve => setTimeout(resolve, 100))
      assert.ok(probe.writableLength > 16 * 1024 * 1024, 'a waiting socket must not be read')
      probe.destroy()

      slots.grant(190)
      await until(() => slots.conns.length === 200)
      await until(() => slots.conns.every(conn => conn.readBufferLength >= 64 * 1024))
      assert.equal(slots.released, 0, 'a slot is kept until the upgrade has ended')
      for (const end of slots.finish) end()
      await until(() => slots.released === 200)
      assert.deepEqual(made.stats().refused, { full: 0, descriptors: 0, source: 0 })
    })

    it('drops waiting sockets that died, and gives back a slot that came too late', async () => {
      const slots = new Slots()
      const made = listener(slots.upgrader)
      await made.listen(ANY_PORT)
      const [dead, alive] = await Promise.all([scene.client(addr(made)), scene.client(addr(made))])
      await until(() => made.stats().waiting === 2)
      const wait = slots.waits.find(({ from }) => from.endsWith(`/tcp/${dead.localPort}`))
      dead.resetAndDestroy()
      await until(() => made.stats().waiting === 1)
      assert.equal(wait?.signal.aborted, true)
      assert.equal(made.stats().abandoned, 1)
      slots.grant(1)
      await until(() => slots.conns.length === 1)
      assert.ok(slots.conns[0]?.remoteAddr.toString().endsWith(`/tcp/${alive.localPort}`))
    })

    it('a slot that is granted as its socket dies is given back', async () => {
      let released = 0
      let asked: AbortSignal | undefined
      const granted = Promise.withResolvers<void>()
      const upgrader = Object.assign(
        rawUpgrader(() => assert.fail('must not be upgraded')),
        {
          slot: async ({ signal }: { signal?: AbortSignal }) => {
            asked = signal
            await granted.promise
            return { release: () => void released++ }
          }
        }
      )
      const made = listener(upgrader)
      await made.listen(ANY_PORT)
      const client = await scene.client(addr(made))
      await until(() => made.stats().waiting === 1)
      client.resetAndDestroy()
      await until(() => asked?.aborted === true)
      granted.resolve()
      await until(() => released === 1)
    })

    it('refuses what would pass maxWaitingSockets, counts it, and recovers', async () => {
      const slots = new Slots()
      const made = listener(slots.upgrader, { maxWaitingSockets: 3 })
      await made.listen(ANY_PORT)
      for (let i = 1; i <= 3; i++) {
        await scene.client(addr(made))
        await until(() => made.stats().waiting === i)
      }
      assert.equal(await gone(scene.start(addr(made))), 'ECONNRESET')
      assert.equal(made.stats().refused.full, 1)
      slots.grant(1)
      await until(() => made.stats().waiting === 2)
      await scene.client(addr(made))
      await until(() => made.stats().waiting === 3)
      assert.equal(made.stats().refused.full, 1)
    })

    it('a full room lets the oldest go for a new one once it has waited long enough', async () => {
      const slots = new Slots()
      const made = listener(slots.upgrader, { maxWaitingSockets: 2, waitTimeout: 0 })
      await made.listen(ANY_PORT)
      const oldest = await scene.client(addr(made))
      await until(() => made.stats().waiting === 1)
      await scene.client(addr(made))
      await until(() => made.stats().waiting === 2)
      await scene.client(addr(made))
      await gone(oldest.once('end', () => oldest.end()))
      await until(() => slots.waits.length === 2)
      const { waiting, abandoned, refused } = made.stats()
      assert.deepEqual([waiting, abandoned, refused.full], [2, 1, 0])
    })

    it('resets a socket whose source the upgrader refuses', async () => {
      const upgrader = Object.assign(rawUpgrader(), {
        slot: () => Promise.reject(new Error('too many from there'))
      })
      const made = listener(upgrader)
      await made.listen(ANY_PORT)
      assert.equal(await gone(scene.start(addr(made))), 'ECONNRESET')
      assert.equal(made.stats().refused.source, 1)
    })

    it('close() sends waiting sockets away, unread', async () => {
      const slots = new Slots()
      const made = listener(slots.upgrader)
      await made.listen(ANY_PORT)
      const clients = await Promise.all(Array.from({ length: 5 }, () => scene.client(addr(made))))
      await until(() => made.stats().waiting === 5)
      for (const client of clients) await new Promise(resolve => client.write('hello?', resolve))
      await new Promise(resolve => setTimeout(resolve, 20))
      const signals = slots.waits.map(wait => wait.signal)
      const ends = clients.map(client => gone(client.once('end', () => client.end())))
      await made.close()
      // The kernel answers a close over unread bytes with RST: not one was read.
      assert.deepEqual(await Promise.all(ends), Array(5).fill('ECONNRESET'))
      assert.ok(
        signals.every(
          ({ reason }) => (reason as { code?: string }).code === 'ERR_TCP_LISTENER_CLOSED'
        )
      )
      assert.deepEqual([made.stats().waiting, made.stats().abandoned], [0, 0])
    })
  })

  it('refuses sockets when the process is short of descriptors, counts, and recovers', async () => {
    // 20 descriptors, 16 of them in reserve: four are left, of which the listener itself holds one.
    const descriptors = budget(20)
    const conns: MultiaddrConnection[] = []
    const made = listener(
      rawUpgrader(conn => void conns.push(conn)),
      {},
      descriptors
    )
    await made.listen(ANY_PORT)
    for (let i = 1; i <= 3; i++) {
      await scene.client(addr(made))
      await until(() => conns.length === i)
    }
    assert.equal(await gone(scene.start(addr(made))), 'ECONNRESET')
    assert.equal(made.stats().refused.descriptors, 1)
    const first = conns[0] as MultiaddrConnection
    const event = closed(first)
    first.abort(new Error('makes room'))
    await event
    await until(() => made.stats().open === 2)
    await scene.client(addr(made))
    await until(() => conns.length === 4)
    assert.deepEqual([made.stats().refused.descriptors, descriptors.use().refused], [1, 1])
  })
})
