import { figure, spread } from './stats.ts'

/** One figure that a benchmark measures for each contestant. */
export interface Metric {
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
}

/** Samples of every metric, by contestant: one for each round. */
export class Results {
  readonly title: string
  readonly about: string
  readonly metrics: readonly Metric[]
  /** The contestant that the ratios are against. */
  readonly baseline: string
  readonly #samples = new Map<string, Map<string, number[]>>()
  readonly #notes: string[] = []

  constructor(title: string, about: string, metrics: readonly Metric[], baseline: string) {
    this.title = title
    this.about = about
    this.metrics = metrics
    this.baseline = baseline
  }

  add(contestant: string, sample: Readonly<Record<string, number>>): void {
    let metrics = this.#samples.get(contestant)
    if (metrics === undefined) this.#samples.set(contestant, (metrics = new Map()))
    for (const [name, value] of Object.entries(sample)) {
      const values = metrics.get(name)
      if (values === undefined) metrics.set(name, [value])
      else values.push(value)
    }
  }

  note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text)
  }

  median(contestant: string, metric: string): number {
    return spread(this.#samples.get(contestant)?.get(metric) ?? []).median
  }

  /** A markdown table: ratio to the baseline first, then median (min–max). */
  markdown(): string {
    const rows = [
      `| | ${this.metrics.map(metric => `${metric.name} (${metric.unit}, ${metric.better} is better)`).join(' | ')} |`,
      `|---|${this.metrics.map(() => '---|').join('')}`
    ]
    for (const contestant of this.#samples.keys()) {
      const cells = this.metrics.map(({ name }) => {
        const samples = this.#samples.get(contestant)?.get(name)
        if (samples === undefined) return '–'
        const { min, median, max } = spread(samples)
        const ratio = median / this.median(this.baseline, name)
        return `**${Number.isFinite(ratio) ? ratio.toFixed(2) : '–'} ×** ${figure(median)} (${figure(min)}–${figure(max)})`
      })
      rows.push(`| ${contestant} | ${cells.join(' | ')} |`)
    }
    const notes = this.#notes.map(note => `\n- ${note}`).join('')
    return `## ${this.title}\n\n${this.about} Ratios are against *${this.baseline}*.\n\n${rows.join('\n')}\n${notes === '' ? '' : `${notes}\n`}`
  }
}
