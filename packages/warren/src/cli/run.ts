import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { Context, StdinEnded } from './context.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { Interrupted, interruption } from './interrupt.ts'
import { Output } from './output.ts'
import { program } from './program.ts'
import { watchStreams } from './standard-streams.ts'

/** Milliseconds after the end of a command in which what it left open may still close. */
const LINGER = 2_000

/** Runs the command line `args` (without node and script) and gives its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const streams = watchStreams()
  const code = await runCommand(args)
  const lost = await streams.failure()
  if (lost === undefined) return code
  process.stderr.write(`warren: cannot write to standard output: ${lost.message}\n`)
  return code === EXIT.ok ? EXIT.failure : code
}

async function runCommand(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok
  const warren = program(version(), async (options, load) => {
    const output = await Output.create(options)
    const ending = interruption()
    // A ticket on the command line would stand in the list of processes for as long as we run.
    process.title = 'warren'
    try {
      const work = await load()
      code = (await work(new Context(options, output, ending))) ?? EXIT.ok
    } catch (error) {
      code = report(error, ending.signal, output)
    } finally {
      output.status('')
      ending.stop()
    }
    // Nothing should be open now. What is, must not keep the command from ending.
    setTimeout(() => process.exit(code), LINGER).unref()
  })
  for (const command of [warren, ...warren.commands.flatMap(c => [c, ...c.commands])]) {
    command.exitOverride()
  }
  if (args.length === 0) {
    warren.outputHelp({ error: true })
    return EXIT.usage
  }
  try {
    await warren.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // commander has already said what is wrong.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
}

/** The exit code for what ended a command; says what went wrong, if anything did. */
function report(error: unknown, signal: AbortSignal, output: Output): number {
  const reason: unknown = signal.aborted ? signal.reason : error
  if (reason instanceof Interrupted) return reason.exitCode
  if (reason instanceof StdinEnded) return EXIT.ok
  output.error(error)
  return exitCodeOf(error)
}

function version(): string {
  const path = new URL('../../../package.json', import.meta.url)
  const { version: text } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return text
}
