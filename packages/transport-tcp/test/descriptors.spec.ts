import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DescriptorBudget, processDescriptors } from '../src/descriptors.ts'
import { descriptorUse } from '../src/index.ts'
import { gone } from './support.ts'

describe('descriptor budget', () => {
  let child: ChildProcess | undefined
  afterEach(() => {
    child?.kill('SIGKILL')
    child = undefined
  })

  it('reads the limit of the process and counts what is open', function () {
    if (process.platform !== 'linux') {
      Object.assign(this.currentTest ?? this.test ?? {}, { skipReason: 'Linux: reads /proc' })
      this.skip()
    }
    const { limit, held, others } = descriptorUse()
    assert.ok(Number.isFinite(limit) && limit >= 64)
    assert.equal(held, 0)
    assert.ok(others >= 3 && others < 500)
    assert.equal(processDescriptors(), processDescriptors())
  })

  it('refuses before the limit, keeps room for dials, and recovers', () => {
    const budget = new DescriptorBudget({ limit: 200, count: () => undefined, now: () => 0 })
    // 32 assumed open, 20 in reserve, half of which dials may use.
    let taken = 0
    while (budget.take('inbound')) taken++
    assert.equal(taken, 148)
    let dialled = 0
    while (budget.take('outbound')) dialled++
    assert.equal(dialled, 10)
    assert.deepEqual(budget.use(), { limit: 200, held: 158, others: 32, refused: 2 })
    for (let i = 0; i < 11; i++) budget.release()
    assert.equal(budget.take('inbound'), true)
    assert.equal(budget.take('inbound'), false)
  })

  it('sees what others open, and looks at most every quarter of a second', () => {
    let now = 0
    let others = 10
    let held = 0
    let counts = 0
    const count = (): number => {
      counts++
      return others + held
    }
    const budget = new DescriptorBudget({ limit: 100, count, now: () => now })
    const take = (): boolean => {
      const taken = budget.take('inbound')
      if (taken) held++
      return taken
    }
    while (take());
    assert.equal(held, 74)
    budget.release()
    held--
    others = 90
    assert.equal(take(), true, 'not counted again yet')
    budget.release()
    held--
    const before = counts
    now += 250
    assert.equal(take(), false)
    assert.equal(counts, before + 1)
    others = 10
    now += 250
    assert.equal(take(), true)
  })

  it('ulimit -n 256 and 1,000 diallers: no spin, every surplus socket sees a close, normal service after', async function () {
    if (process.platform !== 'linux') {
      Object.assign(this.currentTest ?? this.test ?? {}, { skipReason: 'Linux: reads /proc' })
      this.skip()
    }
    const server = spawn(
      '/bin/sh',
      [
        '-c',
        'ulimit -n 256 && exec "$0" "$1"',
        process.execPath,
        fileURLToPath(new URL('./limited-server.js', import.meta.url))
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] }
    )
    child = server
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]()
    const line = async (): Promise<Record<string, number>> =>
      JSON.parse(String((await lines.next()).value))
    const ask = (): Promise<Record<string, number>> => {
      server.stdin.write('\n')
      return line()
    }
    const { port, limit } = await line()
    assert.equal(limit, 256)
    const dial = (): Socket => connect({ host: '127.0.0.1', port: port ?? 0 }).on('error', () => {})

    // As many as this process may have open itself.
    const diallers = Math.min(1_000, descriptorUse().limit - 100)
    const sockets = Array.from({ length: diallers }, dial)
    // Each is either served, which it sees as a greeting, or closed.
    const fates = await Promise.all(
      sockets.map(socket =>
        Promise.race([
          gone(socket).then(() => 'closed'),
          once(socket, 'data').then(
            () => 'served',
            () => 'closed'
          )
        ])
      )
    )
    const served = fates.filter(fate => fate === 'served').length
    const first = await ask()
    assert.ok(served > 150 && served < 256, `${served} served`)
    assert.equal(
      first.refused,
      diallers - served,
      'libuv must never have had to close one by itself'
    )
    assert.equal(first.accepted, diallers)

    // Held at the limit it does nothing: a spin would show as processor time.
    await new Promise(resolve => setTimeout(resolve, 300))
    const second = await ask()
    assert.ok((second.cpu ?? 0) - (first.cpu ?? 0) < 100, 'milliseconds of processor time in 300')

    for (const socket of sockets) socket.destroy()
    let after = await ask()
    while (after.open !== 0) after = await ask()
    const again = dial()
    await once(again, 'data')
    again.destroy()
    server.stdin.end()
    const [code] = (await once(server, 'exit')) as [number]
    assert.equal(code, 0)
  })
})
