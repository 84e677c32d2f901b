import { readFile } from 'node:fs/promises'
import { describeError } from '@warren/utils'
import { SecretFileError } from '../errors.ts'

/** No token or ticket is longer (bytes). */
const MAX = 8_192

/**
 * A secret from a file, or the first line of standard input when `file` is `-`, so that it never
 * stands in the list of processes. Standard input stays open behind that line.
 *
 * @throws ERR_SECRET_FILE
 */
export async function readSecret(file: string, what: string, signal: AbortSignal): Promise<string> {
  const text = file === '-' ? await firstLine(what, signal) : await readWhole(file, what)
  const secret = text.trim()
  if (secret === '' || secret.length > MAX || /\s/.test(secret)) {
    const from = file === '-' ? 'standard input' : file
    throw new SecretFileError(`${from} does not hold a ${what} and nothing else`)
  }
  return secret
}

async function readWhole(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new SecretFileError(`cannot read the ${what} from ${file}: ${describeError(cause)}`, {
      cause
    })
  }
}

function firstLine(what: string, signal: AbortSignal): Promise<string> {
  const { stdin } = process
  if (stdin.isTTY && process.stderr.isTTY) process.stderr.write(`${what}: `)
  return new Promise((resolve, reject) => {
    let text = ''
    const settle = (act: () => void): void => {
      stdin.off('data', onData).off('end', onEnd).off('error', onError)
      signal.removeEventListener('abort', onAbort)
      stdin.pause()
      act()
    }
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('utf8')
      if (text.includes('\n') || text.length > MAX) {
        settle(() => resolve(text.split('\n', 1)[0] ?? ''))
      }
    }
    const onEnd = (): void => settle(() => resolve(text))
    const onAbort = (): void => settle(() => reject(signal.reason as Error))
    const onError = (cause: Error): void =>
      settle(() => reject(new SecretFileError(`cannot read the ${what} from stdin`, { cause })))
    stdin.on('data', onData).on('end', onEnd).on('error', onError)
    signal.addEventListener('abort', onAbort)
    stdin.resume()
  })
}
