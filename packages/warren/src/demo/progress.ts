import { describeSize } from '../cli/size.ts'

const WIDTH = 30

/** A progress bar in one line. `elapsed` in milliseconds. */
export function progressLine(bytes: number, size: number, elapsed: number, cuts: number): string {
  const share = Math.min(1, bytes / size)
  const full = Math.round(share * WIDTH)
  const rate = elapsed > 0 ? (bytes / elapsed) * 1_000 : 0
  return (
    `[${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}] ${String(Math.floor(share * 100)).padStart(3)} %  ` +
    `${describeSize(bytes)} of ${describeSize(size)}  ${describeSize(rate)}/s  cuts ${cuts}`
  )
}
