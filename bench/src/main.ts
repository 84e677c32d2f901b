// `npm run bench`: every benchmark beside its peers. `-- NAME …` some of them, `-- --list` their names,
// `-- --rounds N --scale X` how much, `-- --write` renews the tables in docs/benchmarks.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { forward } from './benchmarks/forward.ts'
import { neighbours } from './benchmarks/neighbours.ts'
import { netchan } from './benchmarks/netchan.ts'
import { connections, echo, growth, memory, session, throughput } from './benchmarks/streams.ts'
import type { Benchmark } from './harness/contest.ts'

const BENCHMARKS: readonly Benchmark[] = [
  throughput,
  echo,
  connections,
  memory,
  growth,
  session,
  neighbours,
  forward,
  netchan
]
const PAGE = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url))
const [BEGIN, END] = ['<!-- tables -->', '<!-- /tables -->']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false }
  }
})
const rounds = Number(values.rounds)
const scale = Number(values.scale)

if (values.list) {
  for (const { name, about } of BENCHMARKS) console.log(`${name.padEnd(12)} ${about}`)
} else if (!Number.isInteger(rounds) || rounds < 1 || !(scale > 0)) {
  usage('--rounds is a whole number from 1, --scale a number above 0')
} else {
  const unknown = positionals.filter(name => !BENCHMARKS.some(benchmark => benchmark.name === name))
  if (unknown.length > 0)
    usage(
      `no benchmark ${unknown.join(', ')}; there are: ${BENCHMARKS.map(b => b.name).join(', ')}`
    )
  else
    await run(
      BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    )
}

async function run(chosen: readonly Benchmark[]): Promise<void> {
  console.log(`${machine()}\n`)
  const tables: string[] = []
  for (const benchmark of chosen) {
    const results = await benchmark.run({ rounds, scale })
    console.log(results.markdown())
    tables.push(results.markdown())
  }
  if (!values.write) return
  const page = readFileSync(PAGE, 'utf8')
  const [head = '', rest = ''] = page.split(BEGIN)
  const tail = rest.split(END)[1] ?? ''
  writeFileSync(PAGE, `${head}${BEGIN}\n${machine()}\n\n${tables.join('\n')}\n${END}${tail}`)
}

/** What the figures were measured on and with. */
function machine(): string {
  const version = (name: string): string => {
    const path = new URL(`../../../node_modules/${name}/package.json`, import.meta.url)
    return `${name} ${(JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version}`
  }
  const libraries = ['libp2p', '@chainsafe/libp2p-noise', '@libp2p/yamux', '@libp2p/tcp']
    .map(version)
    .join(', ')
  return `${cpus().length} cores, Linux ${release()}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}; ${libraries}; ${rounds} rounds after a warm-up, medians (min–max).`
}

function usage(message: string): void {
  console.error(message)
  process.exitCode = 2
}
