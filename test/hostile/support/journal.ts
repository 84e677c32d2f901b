import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { JournalEntry } from './victim-types.ts'

/** Entries with the same codes: a flood of errors must not be what fills the memory. */
const MAX_ALIKE = 16

/**
 * A logger that keeps what went wrong: the errors that parts of the node log, with their codes. It
 * is how a test learns for which reason the node ended a connection.
 */
export class Journal implements ComponentLogger {
  readonly #byCodes = new Map<string, JournalEntry[]>()

  get entries(): JournalEntry[] {
    return [...this.#byCodes.values()].flat()
  }

  clear(): void {
    this.#byCodes.clear()
  }

  forComponent(name: string): Logger {
    const note = (...args: unknown[]): void => {
      for (const arg of args) if (arg instanceof Error) this.note(name, arg)
    }
    return Object.assign(note, {
      error: note,
      trace: () => {},
      enabled: false,
      newScope: (scope: string) => this.forComponent(`${name}:${scope}`)
    }) as Logger
  }

  note(component: string, error: Error): void {
    const { codes, message } = chain(error)
    const key = codes.join(' ')
    const alike = this.#byCodes.get(key) ?? []
    this.#byCodes.set(key, alike)
    if (alike.length < MAX_ALIKE) alike.push({ component, codes, message })
  }
}

/** The codes (or names) and messages of an error and its causes. */
function chain(error: Error): Pick<JournalEntry, 'codes' | 'message'> {
  const codes: string[] = []
  const messages: string[] = []
  for (let at: unknown = error; at instanceof Error && codes.length < 8; at = at.cause) {
    codes.push('code' in at && typeof at.code === 'string' ? at.code : at.name)
    messages.push(at.message)
  }
  return { codes, message: messages.join(': ') }
}
