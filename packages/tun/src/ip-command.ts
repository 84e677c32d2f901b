import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { TunInterfaceError } from './errors.ts'

const run = promisify(execFile)

/** Where distributions put `ip` when it is not in a user's PATH. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`

/**
 * Runs `ip` of iproute2.
 *
 * @throws TunInterfaceError with what it printed
 */
export async function ip(args: readonly string[], signal?: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run('ip', args, {
      env: { ...process.env, PATH },
      ...(signal === undefined ? {} : { signal })
    })
    return stdout
  } catch (cause) {
    signal?.throwIfAborted()
    const told: unknown = Reflect.get(cause as object, 'stderr')
    throw new TunInterfaceError(
      `\`ip ${args.join(' ')}\` failed: ${typeof told === 'string' && told !== '' ? told.trim() : String(cause)}`,
      { cause }
    )
  }
}
