import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Stack, type StackOptions, createStack } from '@warren/netstack'
import { type Tun, type TunOptions, openTun } from '@warren/tun'
import { until } from '../../support/until.ts'
import { run } from './run.ts'

/** The kernel's side of the interface, and ours. */
export const KERNEL = { v4: '10.9.0.1', v6: 'fd09::1' } as const
export const OURS = { v4: '10.9.0.2', v6: 'fd09::2' } as const

/** This kernel, or these rights, do not allow the test. */
export class KernelRefusal extends Error {}

/** A stack on a TUN interface of the namespace that this process is in. */
export interface BenchNetwork extends AsyncDisposable {
  readonly tun: Tun
  readonly stack: Stack
  /** Resolves when the interface has ended by itself. */
  readonly ended: Promise<Error | undefined>
  /** Everything that has passed so far, as a pcapng file. */
  captured(): Uint8Array
}

/** Sets the interface and a stack up. */
export async function benchNetwork(
  options: {
    readonly tun?: TunOptions
    readonly stack?: StackOptions
    readonly capture?: boolean
  } = {}
): Promise<BenchNetwork> {
  refuseWithoutIpv6()
  run('ip', ['link', 'set', 'lo', 'up'])
  const tun = await openTun({
    addresses: [`${KERNEL.v4}/24`, `${KERNEL.v6}/64`],
    device: device(),
    ...options.tun
  }).catch((error: unknown) => {
    if (Reflect.get(Object(error), 'code') === 'ERR_TUN_UNAVAILABLE')
      throw new KernelRefusal(`no TUN interface: ${String(error)}`)
    throw error
  })
  const stack = createStack(options.stack)
  const ended = Promise.withResolvers<Error | undefined>()
  stack.addInterface(tun.link, [`${OURS.v4}/24`, `${OURS.v6}/64`], ended.resolve)
  // The kernel sets an interface up in the background: its IPv6 routes may take a moment.
  for (const address of [KERNEL.v4, KERNEL.v6])
    await until(async () => await answers(stack, address), `${address} answers`)
  const pieces: Uint8Array[] = []
  if (options.capture === true) stack.capture(bytes => pieces.push(bytes))
  return {
    tun,
    stack,
    ended: ended.promise,
    captured: () => Buffer.concat(pieces),
    [Symbol.asyncDispose]: async () => {
      stack.close()
      tun.close()
      // The device is closed by the event loop.
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}

function refuseWithoutIpv6(): void {
  const setting = '/proc/sys/net/ipv6/conf/default/disable_ipv6'
  if (!existsSync(setting) || readFileSync(setting, 'utf8').trim() !== '0')
    throw new KernelRefusal('no IPv6 in this kernel, or it is switched off')
}

async function answers(stack: Stack, address: string): Promise<boolean> {
  return await stack.ping(address, { timeout: 500 }).then(
    () => true,
    () => false
  )
}

/** The clone device; where it is missing, or only root's, one of our own if we may make it. */
function device(): string {
  const usual = '/dev/net/tun'
  if (process.env.WARREN_TUN_DEVICE !== undefined) return process.env.WARREN_TUN_DEVICE
  try {
    accessSync(usual, constants.R_OK | constants.W_OK)
    return usual
  } catch {
    const folder = mkdtempSync(join(tmpdir(), 'warren-tun-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    const own = join(folder, 'tun')
    const { status, stderr } = spawnSync('mknod', [own, 'c', '10', '200'], { encoding: 'utf8' })
    if (status !== 0) throw new KernelRefusal(`no ${usual} for us, and none can be made: ${stderr}`)
    chmodSync(own, 0o600)
    return own
  }
}
