// `npm run netstack:report`: the behaviours of netstack with the tests that show them, its goodput
// beside Linux's, its speeds. `-- --part behaviours|goodput|speeds` one of them, `-- --seconds N`,
// `-- --rounds N`, `-- --flows N` for the comparison.
import { availableParallelism, cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { figure, spread } from '../harness/stats.ts'
import { showBehaviours } from './behaviour-tests.ts'
import { BEHAVIOURS } from './behaviours.ts'
import type { GoodputOptions, GoodputResult } from './goodput.ts'
import { inNamespace } from './in-namespace.ts'
import type { KernelSpeed } from './kernel-speed.ts'
import { udpThroughput } from './udp-speed.ts'
import { memoryHandshakes, memoryPerConnection, memoryThroughput } from './memory-speed.ts'

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: ['behaviours', 'goodput', 'speeds'] },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '2' },
    flows: { type: 'string', default: '8' }
  }
})
const PARTS: Readonly<Record<string, () => Promise<boolean>>> = { behaviours, goodput, speeds }

console.log(
  `${cpus()[0]?.model ?? ''}, ${availableParallelism()} cores, Linux ${release()}, Node ${process.version}`
)
let whole = true
for (const part of values.part) {
  const print = PARTS[part]
  if (print === undefined) throw new Error(`no part "${part}": ${Object.keys(PARTS).join(', ')}`)
  whole = (await print()) && whole
}
process.exitCode = whole ? 0 : 1

async function behaviours(): Promise<boolean> {
  heading('Behaviours')
  console.log('| | behaviour | source | shown by |\n|---|---|---|---|')
  const shown = await showBehaviours(BEHAVIOURS)
  let good = 0
  for (const { behaviour, tests, missing } of shown) {
    const outcomes = [...tests.values()]
    const bad = missing.length > 0 || outcomes.includes('failed')
    const mark = bad ? '✘' : outcomes.includes('passed') ? '✔' : '–'
    if (!bad) good++
    const names = [...tests].map(([title, outcome]) =>
      outcome === 'passed' ? title : `**${outcome}**: ${title}`
    )
    names.push(...missing.map(pattern => `**missing**: ${pattern}`))
    console.log(`| ${mark} | ${behaviour.name} | ${behaviour.source} | ${names.join('; ')} |`)
  }
  console.log(`\n${good} of ${shown.length} behaviours shown`)
  return good === shown.length
}

async function goodput(): Promise<boolean> {
  const options: GoodputOptions = {
    losses: [0.001, 0.01, 0.03],
    rtt: 20,
    flows: Number(values.flows),
    seconds: Number(values.seconds),
    rounds: Number(values.rounds)
  }
  heading(`Goodput to a Linux receiver, ${options.rtt} ms, ${options.flows} connections`)
  const results = await inNamespace<GoodputResult>('./goodput.js', options)
  if (typeof results === 'string') return no(results)
  console.log('| loss | Linux CUBIC | netstack | ratio |\n|---|---|---|---|')
  let good = true
  for (const loss of options.losses) {
    const own = results.filter(result => result.loss === loss)
    const kernel = spread(own.map(result => result.kernel)).median
    const ours = spread(own.map(result => result.netstack)).median
    good = good && ours >= 0.95 * kernel
    console.log(
      `| ${figure(100 * loss)} % | ${figure(kernel)} Mbit/s | ${figure(ours)} Mbit/s | ${figure(ours / kernel)} |`
    )
  }
  return good
}

async function speeds(): Promise<boolean> {
  heading('Speeds')
  console.log('| path | measured | bar |\n|---|---|---|')
  const throughput = await memoryThroughput(2 ** 31)
  row('memory link, MTU 1500, checksums', `${figure(throughput)} Gbit/s`, '3 Gbit/s')
  row('handshakes in memory', `${figure(await memoryHandshakes(20_000))} /s`, '20,000 /s')
  const memory = await memoryPerConnection(10_000)
  row(
    'an idle connection, socket and all, beside its rings',
    `${figure(memory)} bytes`,
    '3,072 bytes'
  )
  const udp = 'transport-netstack, UDP over loopback'
  row(`${udp}, a system call each`, `${figure(await udpThroughput(false, 4))} Gbit/s`, '1 Gbit/s')
  row(`${udp}, GSO and GRO`, `${figure(await udpThroughput(true, 4))} Gbit/s`, '5 Gbit/s')
  const results = await inNamespace<KernelSpeed>('./kernel-speed.js', { seconds: 4 })
  if (typeof results === 'string') return no(results)
  for (const { path, gbits } of results) {
    const bar = path.includes('VNET_HDR') ? '10 Gbit/s' : path.includes('1500') ? '1.5 Gbit/s' : '–'
    row(path, `${figure(gbits)} Gbit/s`, bar)
  }
  return true
}

function heading(text: string): void {
  console.log(`\n## ${text}\n`)
}

function row(...cells: string[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

function no(reason: string): boolean {
  console.log(`not measured on this machine: ${reason}`)
  return true
}
