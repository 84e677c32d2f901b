// Runs in a network namespace of its own: `node namespace-process.js SCENARIO`. See namespace.ts.
import { SCENARIOS, type ScenarioName } from '../scenarios/index.ts'
import { KernelRefusal } from './bench-network.ts'
import type { Verdict } from './namespace.ts'

const name = process.argv[2] as ScenarioName
try {
  tell({ ok: true, findings: await SCENARIOS[name]() })
} catch (error) {
  const missing = missingProgram(error)
  if (missing !== undefined) tell({ ok: 'missing', program: missing })
  else if (error instanceof KernelRefusal) tell({ ok: 'no', reason: error.message })
  else tell({ ok: false, error: error instanceof Error ? String(error.stack) : String(error) })
}

function tell(verdict: Verdict): void {
  process.send?.(verdict, () => process.exit(0))
}

/** The program whose start has failed because it is not there. */
function missingProgram(error: unknown): string | undefined {
  const code: unknown = Reflect.get(Object(error), 'code')
  const call: unknown = Reflect.get(Object(error), 'syscall')
  return code === 'ENOENT' && typeof call === 'string' && /^spawn(Sync)? /.test(call)
    ? call.split(' ')[1]
    : undefined
}
