// A listener in a process with few file descriptors; each line on stdin is answered with its state.
import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'
import { descriptorUse, tcp } from '../src/index.ts'
import { logger, rawUpgrader } from './support.ts'

const listener = tcp()({ logger }).createListener({
  upgrader: rawUpgrader(conn => void conn.send(Buffer.from('hello')))
})
await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
const port = Number(listener.getAddrs()[0]?.getComponents()[1]?.value)
console.log(JSON.stringify({ port, limit: descriptorUse().limit }))

const input = createInterface({ input: process.stdin })
input.on('line', () => {
  const { open, accepted, refused } = listener.stats()
  const { user, system } = process.cpuUsage()
  console.log(
    JSON.stringify({ open, accepted, refused: refused.descriptors, cpu: (user + system) / 1_000 })
  )
})
input.on('close', () => void listener.close())
