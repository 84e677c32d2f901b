import type { AddressInfo } from 'node:net'
import { fileServer } from './file-server.ts'

// A process of its own: `node file-server-main.js <bytes>`. Says its port, ends with its input.
const server = fileServer(Number(process.argv[2]))
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
process.stdin.resume()
process.stdin.once('end', () => process.exit(0))
