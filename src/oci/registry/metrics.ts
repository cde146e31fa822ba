/** Bounds of the buckets of durations, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** A number that is asked for when it is shown. */
export interface Gauge {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  value(): number
}

interface Histogram {
  readonly counts: number[]
  sum: number
  count: number
}

/** What a server counts of its requests, and numbers of others, shown as Prometheus's text format 0.0.4. */
export class Metrics {
  readonly #requests = new Map<string, number>()
  readonly #durations = new Map<string, Histogram>()
  readonly #gauges: readonly Gauge[]
  readonly #prefix: string
  #received = 0
  #sent = 0

  /** `prefix` begins the names of what is counted here; gauges have names of their own. */
  constructor(gauges: readonly Gauge[], prefix = 'casemate_registry') {
    this.#gauges = gauges
    this.#prefix = prefix
  }

  /** Counts one request: what it was for, how it ended, how long it took in seconds. */
  count(request: {
    method: string
    route: string
    status: number
    seconds: number
    received: number
    sent: number
  }): void {
    const { method, route, status, seconds } = request
    const labels = `method="${method}",route="${route}",status="${status}"`
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1)
    const key = `method="${method}",route="${route}"`
    const histogram = this.#durations.get(key) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 }
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound)
    if (bucket >= 0) histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1
    histogram.sum += seconds
    histogram.count++
    this.#durations.set(key, histogram)
    this.#received += request.received
    this.#sent += request.sent
  }

  /** The whole page. */
  format(): string {
    const lines = [...head(`${this.#prefix}_requests_total`, 'counter', 'Requests by method, route and status.')]
    for (const [labels, count] of this.#requests) lines.push(`${this.#prefix}_requests_total{${labels}} ${count}`)
    const name = `${this.#prefix}_request_seconds`
    lines.push(...head(name, 'histogram', 'How long requests took.'))
    for (const [labels, { counts, sum, count }] of this.#durations) {
      let upTo = 0
      for (const [index, bound] of BUCKETS.entries()) {
        upTo += counts[index] ?? 0
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${upTo}`)
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`)
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`)
    }
    const bytes: Gauge[] = [
      {
        name: `${this.#prefix}_received_bytes_total`,
        help: 'Bytes of bodies received.',
        type: 'counter',
        value: () => this.#received,
      },
      {
        name: `${this.#prefix}_sent_bytes_total`,
        help: 'Bytes of bodies sent.',
        type: 'counter',
        value: () => this.#sent,
      },
    ]
    for (const gauge of [...bytes, ...this.#gauges]) {
      lines.push(...head(gauge.name, gauge.type, gauge.help), `${gauge.name} ${gauge.value()}`)
    }
    return `${lines.join('\n')}\n`
  }
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}
