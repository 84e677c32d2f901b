import { chmod, readdir, stat, unlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { describeError } from '@warren/utils'
import { safeParse } from 'valibot'
import { ControlError } from '../errors.ts'
import { codeOf } from '../state/file-error.ts'
import { controlDirectories } from '../state/paths.ts'
import { privateDirectory } from '../state/private-directory.ts'
import { probe } from '../state/process-lock.ts'
import { socketDirectory } from '../state/socket-path.ts'
import { MAX_CONNECTIONS, MAX_REQUEST, REQUEST, TIMEOUT } from './protocol.ts'
import type { ControlAnswer, ControlRequest } from './protocol.ts'

/** What a process can be asked. */
export interface ControlHandlers {
  status(): unknown
  revoke?(id: string): Promise<unknown>
  explain?(peer: string): Promise<unknown>
}

/** The control socket of this process. */
export interface ControlServer {
  readonly path: string
  close(): Promise<void>
}

/** Names of control sockets. */
export const CONTROL_SOCKET = /^(\d+)\.sock$/
/** Bytes of the longest of them. */
export const CONTROL_SOCKET_BYTES = '4294967295.sock'.length

/**
 * Serves `handlers` on `<pid>.sock` in the first of the control directories that can be used.
 * Access is the file system's: directory 0700, socket 0600.
 *
 * @throws ERR_CONTROL when none of the directories can be used
 */
export async function serveControl(
  home: string,
  handlers: ControlHandlers,
  env: NodeJS.ProcessEnv = process.env
): Promise<ControlServer> {
  let cause: unknown
  for (const directory of controlDirectories(home, env)) {
    try {
      return await serveIn(directory, directory === join(home, 'run'), handlers)
    } catch (error) {
      cause = error
    }
  }
  throw new ControlError(
    `no control socket can be made (${describeError(cause)}): ` +
      '"warren status" and "warren ticket revoke" do not see this process at once',
    { cause }
  )
}

async function serveIn(
  directory: string,
  create: boolean,
  handlers: ControlHandlers
): Promise<ControlServer> {
  // A runtime directory is made by the system at login; a missing one is not ours to make.
  if (!create) await stat(dirname(directory))
  await privateDirectory(directory)
  const sockets = await socketDirectory(directory, CONTROL_SOCKET_BYTES)
  try {
    await removeDead(directory, name => sockets.path(name))
    const name = `${process.pid}.sock`
    const address = sockets.path(name)
    if (address === undefined) throw new Error(`the path ${directory} is too long for a socket`)
    const live = new Set<Socket>()
    const server = createServer(socket => {
      live.add(socket)
      socket.on('close', () => live.delete(socket))
      serveOne(socket, handlers)
    })
    server.maxConnections = MAX_CONNECTIONS
    await listen(server, address)
    const path = join(directory, name)
    await chmod(path, 0o600)
    return {
      path,
      close: async () => {
        for (const socket of live) socket.destroy()
        const closed = new Promise<void>(resolve => server.close(() => resolve()))
        await unlink(path).catch(() => {})
        await closed
      }
    }
  } finally {
    await sockets.close()
  }
}

/** Removes the sockets of processes that have died, so that they do not pile up. */
async function removeDead(
  directory: string,
  address: (name: string) => string | undefined
): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = CONTROL_SOCKET.test(name) ? address(name) : undefined
    if (path !== undefined && (await probe(path)) === 'dead') {
      await unlink(join(directory, name)).catch(() => {})
    }
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => {
      server.off('error', reject)
      server.on('error', () => {})
      server.unref()
      resolve()
    })
  })
}

/** One request, one answer, the end. */
function serveOne(socket: Socket, handlers: ControlHandlers): void {
  let line = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.setTimeout(TIMEOUT, () => socket.destroy())
  const onData = (chunk: Buffer): void => {
    line = Buffer.concat([line, chunk])
    const end = line.indexOf(10)
    if (end === -1 && line.length <= MAX_REQUEST) return
    socket.off('data', onData)
    if (end === -1 || end > MAX_REQUEST) {
      socket.destroy()
      return
    }
    answer(line.toString('utf8', 0, end), handlers).then(
      reply => socket.end(`${JSON.stringify(reply)}\n`),
      () => socket.destroy()
    )
  }
  socket.on('data', onData)
}

async function answer(line: string, handlers: ControlHandlers): Promise<ControlAnswer> {
  try {
    const request = parse(line)
    switch (request.do) {
      case 'status':
        return { ok: true, data: await handlers.status() }
      case 'revoke':
        if (handlers.revoke === undefined) throw unserved(request)
        return { ok: true, data: await handlers.revoke(request.id) }
      case 'explain':
        if (handlers.explain === undefined) throw unserved(request)
        return { ok: true, data: await handlers.explain(request.peer) }
    }
  } catch (error) {
    const code = error instanceof Error ? codeOf(error).slice(0, 100) : 'ERR_CONTROL'
    return { ok: false, code, message: describeError(error) }
  }
}

function unserved(request: ControlRequest): ControlError {
  return new ControlError(`this process does not serve "${request.do}"`)
}

function parse(line: string): ControlRequest {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new ControlError('the request is not JSON', { cause })
  }
  const parsed = safeParse(REQUEST, value)
  if (!parsed.success) throw new ControlError('the request is not one that is known here')
  return parsed.output
}
