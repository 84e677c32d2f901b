import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Context } from 'mocha'
import { skip } from '../support/skip.ts'
import type { Stage } from './command.ts'

/** Skips the test where the program is not installed. */
export function needs(context: Context, program: string): void {
  const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' })
  if (error !== undefined) skip(context, `${program} is not installed`)
}

/** An HTTP server of this process: `/` says hello, `/slow` a line at a time without end. */
export interface TestServer {
  readonly port: number
  close(): Promise<void>
}

export async function testServer(body: Buffer | string): Promise<TestServer> {
  const server = createServer((request, response) => {
    if (request.url !== '/slow') {
      response.end(body)
      return
    }
    const timer = setInterval(() => response.write('tick\n'), 20)
    response.on('close', () => clearInterval(timer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

/** Fetches with `curl`; the body, or its exit code when it fails. */
export async function curl(stage: Stage, url: string): Promise<string> {
  const running = stage.run('curl', ['--silent', '--show-error', '--max-time', '20', url])
  const { code } = await running.ended
  return code === 0 ? running.out : `curl exited with ${code}: ${running.err}`
}

/** SHA-256 of what `curl` fetches, hashed by itself as it comes. */
export async function curlHash(stage: Stage, url: string): Promise<string> {
  const script = `curl --silent --show-error --max-time 60 "$1" | sha256sum`
  const running = stage.run('sh', ['-c', script, 'sh', url])
  await running.ended
  return running.out.split(' ', 1)[0] ?? ''
}

/** SHA-256 in hexadecimal digits. */
export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
