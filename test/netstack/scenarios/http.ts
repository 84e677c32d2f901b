import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer as createHttpServer, request } from 'node:http'
import { connect, createServer } from '@warren/netstack'
import { KERNEL, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { runAside } from '../support/run.ts'
import { listening, readAll, sha256 } from '../support/sockets.ts'

const BODY = randomBytes(5_000_000)

/** `curl` downloads from and uploads to node:http on sockets of our stack. */
export async function curlFromKernel(): Promise<Findings> {
  await using network = await benchNetwork()
  const http = createHttpServer((incoming, response) => {
    if (incoming.method === 'GET') response.end(BODY)
    else void readAll(incoming as never).then(body => response.end(sha256(body)))
  })
  const server = createServer(network.stack, socket => http.emit('connection', socket))
  server.listen({ port: 80 })
  for (const host of [OURS.v4, `[${OURS.v6}]`]) {
    const got = await runAside('sh', ['-c', `curl -sS -m 50 http://${host}/ | sha256sum`])
    assert.equal(got.split(' ')[0], sha256(BODY))
    const put = await runAside('sh', [
      '-c',
      `head -c 3000000 /dev/zero | curl -sS -m 50 -X POST --data-binary @- http://${host}/`
    ])
    assert.equal(put, sha256(Buffer.alloc(3_000_000)))
    const twice = await runAside('curl', [
      '-sS',
      '-m',
      '50',
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
      '-w',
      '%{num_connects} ',
      `http://${host}/`,
      `http://${host}/`
    ])
    assert.equal(twice.trim(), '1 0', 'the second request reuses the connection')
  }
  http.closeAllConnections()
  return { bytes: 4 * BODY.length }
}

/** node:http over sockets of our stack downloads from and uploads to a server of the kernel. */
export async function httpToKernel(): Promise<Findings> {
  await using network = await benchNetwork()
  const http = createHttpServer((incoming, response) => {
    if (incoming.method === 'GET') response.end(BODY)
    else void readAll(incoming as never).then(body => response.end(sha256(body)))
  })
  for (const host of [KERNEL.v4, KERNEL.v6]) {
    const port = await listening(http, host)
    const send = async (method: string, body?: Buffer): Promise<Buffer> =>
      await new Promise((resolve, reject) => {
        const sent = request(
          { host, port, method, createConnection: () => connect(network.stack, { host, port }) },
          response => void readAll(response as never).then(resolve, reject)
        )
        sent.on('error', reject)
        sent.end(body)
      })
    assert.equal(sha256(await send('GET')), sha256(BODY))
    assert.equal((await send('POST', BODY)).toString(), sha256(BODY))
    http.closeAllConnections()
    await new Promise(resolve => http.close(resolve))
  }
  return { bytes: 4 * BODY.length }
}
