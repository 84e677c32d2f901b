import { readdir } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { describeError } from '@warren/utils'
import { safeParse } from 'valibot'
import { ControlError } from '../errors.ts'
import { controlDirectories } from '../state/paths.ts'
import { socketDirectory } from '../state/socket-path.ts'
import { CONTROL_SOCKET, CONTROL_SOCKET_BYTES } from './control-server.ts'
import { ANSWER, MAX_ANSWER, TIMEOUT } from './protocol.ts'
import type { ControlRequest } from './protocol.ts'

/** What one process answered. */
export interface ProcessAnswer {
  readonly pid: number
  readonly data: unknown
}

/** A process that has a control socket and did not answer as it should. */
export interface ProcessSilence {
  readonly pid: number
  readonly error: Error
}

/** Asks every running Warren process of this user that shares a control directory with us. */
export async function askAll(
  home: string,
  request: ControlRequest,
  env: NodeJS.ProcessEnv = process.env
): Promise<{ answers: ProcessAnswer[]; silent: ProcessSilence[] }> {
  const answers: ProcessAnswer[] = []
  const silent: ProcessSilence[] = []
  for (const directory of controlDirectories(home, env)) {
    const names = await readdir(directory).catch(() => [])
    const pids = names.map(name => Number(CONTROL_SOCKET.exec(name)?.[1])).filter(pid => pid > 0)
    if (pids.length === 0) continue
    const sockets = await socketDirectory(directory, CONTROL_SOCKET_BYTES)
    try {
      await Promise.all(
        pids.map(async pid => {
          const path = sockets.path(`${pid}.sock`)
          if (path === undefined) return
          try {
            const data = await ask(path, request)
            if (data !== GONE) answers.push({ pid, data })
          } catch (error) {
            silent.push({ pid, error: error instanceof Error ? error : new Error(String(error)) })
          }
        })
      )
    } finally {
      await sockets.close()
    }
  }
  return { answers: answers.sort((a, b) => a.pid - b.pid), silent }
}

/** The process behind a socket has died; its socket is removed by the next process that starts. */
export const GONE = Symbol('gone')

/**
 * Asks one process.
 *
 * @returns the data of its answer, or {@link GONE}
 * @throws ERR_CONTROL
 */
export function ask(path: string, request: ControlRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const socket = createConnection({ path })
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(new ControlError(`the process behind ${path} does not answer: ${why}`, { cause }))
    }
    const timer = setTimeout(() => fail('its time is over; it may be stopped'), TIMEOUT)
    socket.on('error', error => {
      const code = 'code' in error ? error.code : undefined
      if (code !== 'ECONNREFUSED' && code !== 'ENOENT') return fail(describeError(error), error)
      clearTimeout(timer)
      resolve(GONE)
    })
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('data', chunk => {
      bytes += chunk.length
      if (bytes > MAX_ANSWER) fail('its answer is too long')
      else chunks.push(chunk)
    })
    socket.on('end', () => {
      clearTimeout(timer)
      let value: unknown
      try {
        value = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      } catch (error) {
        return fail('its answer is not JSON', error)
      }
      const parsed = safeParse(ANSWER, value)
      if (!parsed.success) return fail('its answer is not one that is known here')
      if (parsed.output.ok) resolve(parsed.output.data)
      else fail(parsed.output.message)
    })
  })
}
