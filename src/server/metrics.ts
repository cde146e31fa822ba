import { type Gauge, Metrics } from '#oci/registry'
import { type FactoryGauges, type OpenStore, readGauges } from '#store'
import type { LedgerTail } from './stream/ledger-tail.ts'

/** How long counts of the database are shown again, in milliseconds: whoever asks often costs no more. */
const FRESH = 5000

/** What the server counts of its requests, and how the factory stands. */
export class ApiMetrics {
  readonly #store: OpenStore
  readonly #now: () => Date
  readonly #more: (() => string) | undefined
  readonly #metrics: Metrics
  #stand: FactoryGauges | undefined
  #read = Number.NEGATIVE_INFINITY

  constructor(
    store: OpenStore,
    {
      tail,
      unnoted,
      now,
      more,
    }: { tail: LedgerTail; unnoted: () => number; now: () => Date; more: (() => string) | undefined },
  ) {
    this.#store = store
    this.#now = now
    this.#more = more
    const stand = (name: string, help: string, value: (stand: FactoryGauges) => number): Gauge => ({
      name: `casemate_${name}`,
      help,
      type: 'gauge',
      value: () => (this.#stand === undefined ? 0 : value(this.#stand)),
    })
    this.#metrics = new Metrics(
      [
        stand('images', 'Images and variants that have a release.', ({ images }) => images),
        stand('last_release', 'The number of the last release.', ({ releases }) => releases),
        stand('open_events', 'Events that no plan answers yet.', ({ openEvents }) => openEvents),
        stand('oldest_event_seconds', 'For how long the oldest of them has been open.', (all) =>
          this.#age(all.oldestEvent),
        ),
        stand('open_runs', 'Runs that are not over; beyond 20, what is noticed waits.', ({ openRuns }) => openRuns),
        stand('open_findings', 'Findings in images that no release has closed.', ({ openFindings }) => openFindings),
        stand('fixable_findings', 'Those of them that have a fix.', ({ fixableFindings }) => fixableFindings),
        stand('oldest_fix_seconds', 'For how long the oldest fix has waited to be published.', (all) =>
          this.#age(all.oldestFix),
        ),
        stand('ledger_entries', 'Entries of the ledger.', ({ ledgerEntries }) => ledgerEntries),
        { name: 'casemate_api_streams', help: 'Open streams.', type: 'gauge', value: () => tail.listeners },
        {
          name: 'casemate_api_refusals_unnoted_total',
          help: 'Refusals that the audit trail leaves out because there were too many.',
          type: 'counter',
          value: unnoted,
        },
      ],
      'casemate_api',
    )
  }

  /** Counts one request that has ended. */
  count(request: Parameters<Metrics['count']>[0]): void {
    this.#metrics.count({
      ...request,
      method: /^(GET|HEAD|POST|DELETE)$/.test(request.method) ? request.method : 'other',
    })
  }

  /** The whole page. Rejects with `DATABASE_FAILED`. */
  async format(): Promise<string> {
    if (performance.now() - this.#read > FRESH) {
      this.#stand = await readGauges(this.#store.database)
      this.#read = performance.now()
    }
    return `${this.#metrics.format()}${this.#more?.() ?? ''}`
  }

  #age(moment: string | null): number {
    return moment === null ? 0 : Math.max(0, (this.#now().getTime() - Date.parse(moment)) / 1000)
  }
}
