import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'

const CHECKS = ['ip', 'tcp', 'udp'].flatMap(name => ['-o', `${name}.check_checksum:TRUE`])

/** What no packet may be. */
const WRONG = [
  '_ws.malformed',
  'ip.checksum.status == 0',
  'tcp.checksum.status == 0',
  'udp.checksum.status == 0',
  'icmp.checksum.status == 0',
  'icmpv6.checksum.status == 0',
  'tcp.options.mss_val < 500',
  // Linux itself writes a TCP checksum of 0 as 0xffff, which is as right, and which tshark minds.
  '(_ws.expert.severity == error && !tcp.checksum.ffff)'
].join(' || ')

/** What tshark says of a capture: how many packets, and those that are wrong in themselves. */
export function inspect(capture: Uint8Array): {
  readonly packets: number
  readonly wrong: readonly string[]
} {
  const folder = mkdtempSync(join(tmpdir(), 'warren-capture-'))
  try {
    const file = join(folder, 'capture.pcapng')
    writeFileSync(file, capture)
    const lines = (filter: readonly string[]): string[] =>
      run('tshark', ['-r', file, ...CHECKS, ...filter])
        .split('\n')
        .filter(line => line.trim() !== '')
    return { packets: lines([]).length, wrong: lines(['-Y', WRONG]) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
