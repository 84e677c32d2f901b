import { readFile } from 'node:fs/promises'
import { describeError } from '@warren/utils'
import { SecretFileError } from '../errors.ts'

/**
 * The pre-shared key of a file, as an option of a node; nothing without a file.
 *
 * @throws ERR_SECRET_FILE
 */
export async function pskOf(file: string | undefined): Promise<{ psk?: Uint8Array }> {
  if (file === undefined) return {}
  try {
    return { psk: await readFile(file) }
  } catch (cause) {
    throw new SecretFileError(
      `cannot read the pre-shared key from ${file}: ${describeError(cause)}`,
      { cause }
    )
  }
}
