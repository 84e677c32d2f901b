// A process that uses the kernel's TCP, in the namespace that it is started in:
// `sink ADDRESS` accepts and discards, `source ADDRESS PORT` connects and sends for ever.
// It tells its port when it listens, and bytes received whenever it is asked.
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

const [role = '', address = '', port = ''] = process.argv.slice(2)
let bytes = 0

if (role === 'sink') {
  const server = createServer(socket => {
    socket.on('data', piece => (bytes += piece.length))
    // Whoever measures ends its connections by RST.
    socket.on('error', () => undefined)
  })
  server.listen(0, address, () => process.send?.({ port: (server.address() as AddressInfo).port }))
} else send(connect(Number(port), address))

process.on('message', () => process.send?.({ bytes }))
process.on('disconnect', () => process.exit(0))

function send(socket: Socket): void {
  const piece = Buffer.alloc(64 * 1024, 0x5a)
  const write = (): void => {
    while (socket.write(piece));
  }
  socket.on('connect', write)
  socket.on('drain', write)
  socket.on('error', () => process.exit(0))
}
