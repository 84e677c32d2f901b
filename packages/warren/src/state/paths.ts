import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The state directory: `given` (`--home`), else `WARREN_HOME`, else `$XDG_STATE_HOME/warren`, else
 * `~/.local/state/warren`. Relative `XDG_…` values are ignored, as the XDG specification asks.
 */
export function stateDirectory(given?: string, env: Environment = process.env): string {
  const chosen = given ?? nonEmpty(env['WARREN_HOME'])
  if (chosen !== undefined) return resolve(chosen)
  return join(absolute(env['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state'), 'warren')
}

/**
 * Where control sockets may be, best first: `$XDG_RUNTIME_DIR/warren`, then `run` in the state
 * directory.
 */
export function controlDirectories(home: string, env: Environment = process.env): string[] {
  const runtime = absolute(env['XDG_RUNTIME_DIR'])
  const inHome = join(home, 'run')
  return runtime === undefined ? [inHome] : [join(runtime, 'warren'), inHome]
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}
