import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectKernel, createServer as createKernelServer } from 'node:net'
import { connect, createServer } from '@warren/netstack'
import { KERNEL, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { runAside } from '../support/run.ts'
import { listening } from '../support/sockets.ts'

/** What `ss -ti` of the kernel shows of a connection with us: the options of both handshakes are in use. */
export async function negotiated(): Promise<Findings> {
  await using network = await benchNetwork()
  const ours = createServer(network.stack, socket => socket.resume()).listen({ port: 7 })
  // Both ends are given up in the end, by RST.
  const kernels = createKernelServer(socket => socket.resume().on('error', () => {}))
  const port = await listening(kernels, KERNEL.v4)
  const findings: Record<string, string> = {}
  const look = async (name: string, filter: string): Promise<void> => {
    const shown = await runAside('ss', ['-tionH', 'state', 'established', filter])
    for (const option of [/\bts\b/, /\bsack\b/, /wscale:\d+,\d+/, /mss:1448\b/])
      assert.match(shown, option)
    const [, theirs = '', own = ''] = /wscale:(\d+),(\d+)/.exec(shown) ?? []
    assert.ok(Number(theirs) > 0 && Number(own) > 0, `both windows are scaled: ${shown}`)
    findings[name] = /ts sack .*?(?= rto)/.exec(shown)?.[0] ?? shown
  }

  const passive = connectKernel(7, OURS.v4)
  await once(ours, 'connection')
  passive.write(Buffer.alloc(100_000))
  await look('kernel to us', `( dport = :7 )`)
  passive.destroy()

  const socket = connect(network.stack, { host: KERNEL.v4, port })
  await once(socket, 'connect')
  socket.write(Buffer.alloc(100_000))
  await look('us to kernel', `( sport = :${port} )`)
  const info = socket.tcp.info()
  assert.ok(info.sack && info.timestamps && info.sendScale > 0 && info.receiveScale > 0)
  socket.destroy()
  kernels.close()
  return findings
}
