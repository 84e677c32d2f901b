// Forwards a port with `node:net` alone.
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { answer } from '../harness/child.ts'

answer({
  async listen({ target }: { target: number }) {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, socket => {
      const upstream = net.connect({
        port: target,
        host: '127.0.0.1',
        noDelay: true,
        allowHalfOpen: true
      })
      for (const end of [socket, upstream]) {
        end.on('error', () => {
          socket.destroy()
          upstream.destroy()
        })
      }
      socket.pipe(upstream).pipe(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
})
