/** One segment of a script, numbers relative to the initial sequence numbers of both ends. */
export interface ScriptSegment {
  readonly flags: string
  readonly seq: number
  readonly length: number
  readonly ack: number | undefined
  readonly window: number | undefined
  readonly urgent: number | undefined
  /** `undefined`: whatever there is. Padding does not count. */
  readonly options: readonly string[] | undefined
}

/** One line of a script. */
export interface ScriptStep {
  readonly line: number
  readonly text: string
  /** Milliseconds after the step before. */
  readonly after: number
  readonly action:
    | { readonly kind: 'in'; readonly segment: ScriptSegment }
    | { readonly kind: 'out'; readonly segment: ScriptSegment }
    | { readonly kind: 'call'; readonly name: string; readonly args: readonly string[] }
}

/** A script: what it shows, its settings and its steps. */
export interface Script {
  /** The first comment line. */
  readonly title: string
  readonly settings: ReadonlyMap<string, string>
  readonly steps: readonly ScriptStep[]
}

const STEP = /^\+(\d*\.?\d+)\s+(.*)$/
const SEGMENT =
  /^([SFRPUEW.]+)\s+(-?\d+):(-?\d+)\((\d+)\)(?:\s+ack\s+(-?\d+))?(?:\s+win\s+(\d+))?(?:\s+urg\s+(\d+))?(?:\s+<(.*)>)?$/

/**
 * Reads a script. Lines are `# comment`, `set NAME VALUE`, or `+SECONDS ACTION`, where an action is a
 * segment that arrives (`< S 0:0(0) win 65535 <mss 1460>`), one that must leave at that time
 * (`> S. 0:0(0) ack 1`), or a call.
 */
export function parseScript(text: string): Script {
  const settings = new Map<string, string>()
  const steps: ScriptStep[] = []
  let title = ''
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line.startsWith('#')) title ||= line.slice(1).trim()
    const code = line.replace(/\s*#.*$/, '')
    if (code === '') continue
    const [first = '', name = '', ...values] = code.split(/\s+/)
    if (first === 'set') {
      settings.set(name, values.join(' '))
      continue
    }
    const step = STEP.exec(code)
    if (step === null) throw new Error(`line ${i + 1}: not a step: ${code}`)
    const rest = step[2] as string
    steps.push({
      line: i + 1,
      text: code,
      after: Math.round(Number(step[1]) * 1e6) / 1000,
      action: parseAction(rest, i + 1)
    })
  }
  return { title, settings, steps }
}

function parseAction(text: string, line: number): ScriptStep['action'] {
  if (text.startsWith('< ')) return { kind: 'in', segment: parseSegment(text.slice(2), line) }
  if (text.startsWith('> ')) return { kind: 'out', segment: parseSegment(text.slice(2), line) }
  const [name = '', ...args] = text.split(/\s+/)
  return { kind: 'call', name, args }
}

function parseSegment(text: string, line: number): ScriptSegment {
  const match = SEGMENT.exec(text.trim())
  if (match === null) throw new Error(`line ${line}: not a segment: ${text}`)
  const [, flags = '', start, end, length, ack, window, urgent, options] = match
  if (Number(end) - Number(start) !== Number(length)) {
    throw new Error(`line ${line}: ${start}:${end} is not ${length} bytes long`)
  }
  return {
    flags,
    seq: Number(start),
    length: Number(length),
    ack: ack === undefined ? undefined : Number(ack),
    window: window === undefined ? undefined : Number(window),
    urgent: urgent === undefined ? undefined : Number(urgent),
    options:
      options === undefined
        ? undefined
        : options
            .split(',')
            .map(option => option.trim())
            .filter(option => option !== '' && option !== 'nop')
  }
}
