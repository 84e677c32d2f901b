import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stopProcess, track } from '../harness/processes.ts'
import type { Forwarder } from './index.ts'

const SSHD = '/usr/sbin/sshd'

/** Why `ssh -L` cannot be measured here, or `undefined`. */
export async function sshAvailable(): Promise<string | undefined> {
  if (!existsSync(SSHD)) return 'no sshd on this machine (openssh-server)'
  try {
    execFileSync('ssh', ['-V'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'no ssh on this machine (openssh-client)'
  }
}

/** `ssh -L` with its defaults, to an sshd of its own with keys made for this run. */
export async function sshForward(target: number): Promise<Forwarder> {
  const folder = mkdtempSync(join(tmpdir(), 'warren-bench-ssh-'))
  const at = (name: string): string => join(folder, name)
  for (const key of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(key)])
  writeFileSync(at('authorized_keys'), readFileSync(at('user.pub')), { mode: 0o600 })
  const [port, local] = [await freePort(), await freePort()]
  writeFileSync(
    at('sshd_config'),
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${at('host')}\nAuthorizedKeysFile ${at('authorized_keys')}\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n`
  )
  try {
    execFileSync('mkdir', ['-p', '/run/sshd'])
  } catch {
    // Only needed, and only allowed, for root.
  }
  const server = track(spawn(SSHD, ['-D', '-f', at('sshd_config')], { stdio: 'ignore' }))
  await reachable(port)
  const client = track(
    spawn(
      'ssh',
      [
        '-N',
        '-F',
        'none',
        '-p',
        String(port),
        '-i',
        at('user'),
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        `UserKnownHostsFile=${at('known')}`,
        '-o',
        'ExitOnForwardFailure=yes',
        '-L',
        `127.0.0.1:${local}:127.0.0.1:${target}`,
        `${userInfo().username}@127.0.0.1`
      ],
      { stdio: 'ignore' }
    )
  )
  await reachable(local)
  return {
    port: local,
    pids: [client.pid ?? 0, server.pid ?? 0],
    stop: async () => {
      await Promise.all([client, server].map(stopProcess))
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function reachable(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = net.connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await sleep(50)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`nothing listens on port ${port}`)
}
