import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import type { BenchClient, BenchServer, BenchStream, Stack } from './stack.ts'

function fromSocket(socket: Socket): BenchStream {
  socket.on('error', () => {})
  return {
    write: chunk => socket.write(chunk),
    drained: async () => {
      await once(socket, 'drain')
    },
    onData: listener => {
      socket.on('data', listener)
    },
    onEnd: listener => {
      socket.on('end', listener)
    },
    end: () => {
      socket.end()
    }
  }
}

/** A plain socket: a stream is a connection. */
export function plain(): Stack {
  return {
    listen: async onStream =>
      listening(net.createServer({ noDelay: true }, socket => onStream(fromSocket(socket)))),
    client: async () =>
      perConnection(async port => {
        const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
        await once(socket, 'connect')
        return socket
      })
  }
}

/** TLS 1.3 on a socket of its own for each stream, with the cipher named. */
export function secure(ciphers: string): Stack {
  return {
    listen: async onStream =>
      listening(
        tls.createServer(
          { ...certificate(), ciphers, minVersion: 'TLSv1.3', noDelay: true },
          socket => onStream(fromSocket(socket))
        )
      ),
    client: async () =>
      perConnection(async port => {
        const socket = tls.connect({ port, host: '127.0.0.1', ciphers, rejectUnauthorized: false })
        socket.setNoDelay(true)
        await once(socket, 'secureConnect')
        return socket
      })
  }
}

async function listening(server: net.Server): Promise<BenchServer> {
  let connections = 0
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: String((server.address() as AddressInfo).port), connections: () => connections }
}

/** The first stream is the connection that was dialled, each further one has its own. */
function perConnection(connect: (port: number) => Promise<Socket>): BenchClient {
  return {
    async dial(address) {
      const port = Number(address)
      let first: Socket | undefined = await connect(port)
      const sockets = [first]
      return {
        async open() {
          const socket = first ?? (await connect(port))
          if (first === undefined) sockets.push(socket)
          first = undefined
          return fromSocket(socket)
        },
        async close() {
          for (const socket of sockets) socket.destroy()
        }
      }
    }
  }
}

/** A self-signed certificate, made for this run. */
function certificate(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'warren-bench-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-keyout',
        key,
        '-out',
        cert
      ],
      { stdio: 'ignore' }
    )
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
