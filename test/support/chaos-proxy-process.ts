// The process of a ChaosProxy: see chaos-proxy.ts. Told what to do over IPC; ends with its parent.
import { once } from 'node:events'
import net from 'node:net'
import { ChaosConnection } from './chaos-proxy-connection.ts'
import type { Faults } from './chaos-proxy-connection.ts'
import { generator } from './content.ts'
import type { ChaosCommand, ChaosCounts, CutPlan, Flow } from './chaos-proxy.ts'

const connections = new Set<ChaosConnection>()
const faults: Faults = { latency: 0, slice: 0, cut: undefined, up: 0, down: 0 }
const counts = { accepted: 0, resets: 0, midFrame: 0, blackholed: 0 }
let silent: readonly Flow[] = []
let refusing = false
let plan: NodeJS.Timeout | undefined
let target: { host: string; port: number } | undefined

// What a fault does to a socket is meant.
const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
server.on('connection', socket => {
  socket.on('error', () => {})
  if (target === undefined || refusing) return void socket.resetAndDestroy()
  counts.accepted++
  const connection = new ChaosConnection(socket, target, faults)
  connections.add(connection)
  connection.onClose = () => connections.delete(connection)
  connection.onCut = () => counts.midFrame++
  if (silent.length > 0) silence(connection, silent)
  connection.start()
})

process.on('disconnect', () => process.exit(0))
process.on('message', ({ id, command }: { id: number; command: ChaosCommand }) => {
  void run(command).then(result => process.send?.({ id, result }))
})

async function run(command: ChaosCommand): Promise<number | ChaosCounts> {
  switch (command.do) {
    case 'start':
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return (server.address() as net.AddressInfo).port
    case 'aim':
      target = command
      break
    case 'reset':
      resetAll()
      break
    case 'blackhole':
      if (!command.existingOnly) silent = command.flows
      for (const connection of connections) silence(connection, command.flows)
      break
    case 'refuse':
      refusing = true
      break
    case 'heal':
      heal()
      break
    case 'cut-after':
      faults.cut = { left: command.bytes, flow: command.flow, clean: command.clean }
      break
    case 'cut-every':
      clearTimeout(plan)
      planCut(command.plan, generator(command.plan.seed))
      break
    case 'latency':
      faults.latency = command.ms
      break
    case 'slice':
      faults.slice = command.bytes
      break
    case 'counts':
      break
  }
  const { resets, midFrame, blackholed } = counts
  const cuts = resets + midFrame + blackholed
  return { ...counts, cuts, open: connections.size, up: faults.up, down: faults.down }
}

function silence(connection: ChaosConnection, flows: readonly Flow[]): void {
  if (!connection.silenced) counts.blackholed++
  connection.silence(flows)
}

function resetAll(): void {
  for (const connection of connections) {
    // What is silent already has been counted as cut.
    if (!connection.silenced) counts.resets++
    connection.reset()
  }
}

function heal(): void {
  clearTimeout(plan)
  refusing = false
  silent = []
  faults.latency = 0
  faults.slice = 0
  faults.cut = undefined
  for (const connection of connections) connection.heal()
}

function planCut(cuts: CutPlan, random: () => number): void {
  const pause = cuts.every * (0.5 + random())
  plan = setTimeout(() => {
    const ways = cuts.ways ?? ['reset']
    const way = ways[Math.floor(random() * ways.length)]
    // Drawn in any case, so that the same seed is the same plan whatever is open.
    const bytes = 1 + Math.floor(random() * 64 * 1024)
    const flow = random() < 0.5 ? 'up' : 'down'
    if (way === 'reset') resetAll()
    else if (way === 'mid-frame') faults.cut = { left: bytes, flow, clean: false }
    else for (const connection of connections) silence(connection, ['up', 'down'])
    planCut(cuts, random)
  }, pause)
}
