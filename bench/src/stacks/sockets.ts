import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import type { BenchStream, Stack } from './stack.ts'

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
    async listen(onStream) {
      const server = net.createServer({ noDelay: true }, socket => onStream(fromSocket(socket)))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return String((server.address() as AddressInfo).port)
    },
    async dial(address) {
      return perConnection(async () => {
        const socket = net.connect({ port: Number(address), host: '127.0.0.1', noDelay: true })
        await once(socket, 'connect')
        return socket
      })
    }
  }
}

/** TLS 1.3 on a socket of its own for each stream, with the cipher named. */
export function secure(ciphers: string): Stack {
  return {
    async listen(onStream) {
      const server = tls.createServer(
        { ...certificate(), ciphers, minVersion: 'TLSv1.3', noDelay: true },
        socket => onStream(fromSocket(socket))
      )
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return String((server.address() as AddressInfo).port)
    },
    async dial(address) {
      return perConnection(async () => {
        const socket = tls.connect({
          port: Number(address),
          host: '127.0.0.1',
          ciphers,
          rejectUnauthorized: false
        })
        socket.setNoDelay(true)
        await once(socket, 'secureConnect')
        return socket
      })
    }
  }
}

function perConnection(connect: () => Promise<Socket>): Awaited<ReturnType<Stack['dial']>> {
  const sockets: Socket[] = []
  return {
    async open() {
      const socket = await connect()
      sockets.push(socket)
      return fromSocket(socket)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
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
