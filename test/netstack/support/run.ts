import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'

const MIB = 2 ** 20

/** Runs a program to its end; what it printed. Throws with what it complained of. */
export function run(program: string, args: readonly string[], input?: Uint8Array): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * MIB,
    ...(input === undefined ? {} : { input })
  })
}

const execFileAsync = promisify(execFile)

/** The same without holding this process up: our stack has to answer meanwhile. */
export async function runAside(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execFileAsync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * MIB,
    timeout: 60_000
  })
  return stdout
}
