import { runDemo } from '../../demo/run-demo.ts'
import type { Context } from '../context.ts'
import { parseSize } from '../size.ts'

/** Bytes of the largest demo file. */
const MAX_SIZE = 1024 * 2 ** 30

/** `warren demo`. */
export async function demo(
  context: Context,
  options: { readonly size: string; readonly cuts: number }
): Promise<void> {
  const size = parseSize(options.size, '--size', MAX_SIZE)
  await runDemo(context.output, { size, cuts: options.cuts, signal: context.signal })
}
