import {
  bySeverity,
  type Excuse,
  excuseNote,
  excuseOf,
  type FactoryLogs,
  type FindingWay,
  formatSpan,
  LEVEL_STATES,
  type LevelState,
  type StandingLevel,
  standingOf,
  type TimeSummary,
  type TimeToPatch,
  timesToPatch,
} from '#factory'
import { openState, statePlace } from '#store'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readSettings } from './plan-settings.ts'
import { parseAge } from './stale-advisories.ts'
import { formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate ledger clocks`, as the command line gives them. */
export interface ClockOptions {
  readonly state: string
  readonly settings?: string
  readonly image?: string
  readonly since: string
  readonly all?: boolean
  readonly check?: boolean
  readonly json?: boolean
}

/** The options of `casemate ledger excuse`. */
export interface ExcuseOptions {
  readonly state: string
  readonly image: string
  readonly by: string
  readonly reason: string
  readonly until: string
}

/** Findings at a time. */
const BATCH = 2000
const DAY = 86_400_000

/** Prints how long findings took until the image with the fix was published, and how those that are open stand to their levels. */
export async function runLedgerClocks(options: ClockOptions, terminal: Terminal): Promise<ExitStatus> {
  const { levels } = await readSettings(options.settings)
  const now = new Date().toISOString()
  const since = new Date(Date.parse(now) - parseAge(options.since) * DAY).toISOString()
  const opened = await openState(statePlace(process.env, options.state))
  try {
    const ways = await Array.fromAsync(everyWay(opened.store, options.image, since))
    const excuses = (await opened.store.ledger.ofKind('excuse')).map(excuseOf)
    const standing = ways.map((way) => standingOf(way, { levels, excuses, now })).sort(compareStanding)
    const severities = [...timesToPatch(ways, ({ severity }) => severity)].sort(bySeverity)
    const images = [...timesToPatch(ways, ({ image }) => image)].sort(([left], [right]) => (left < right ? -1 : 1))
    if (options.json === true) {
      const report = {
        schema: 'casemate.clocks/v1',
        ...{ since, now },
        severities: severities.map(([severity, times]) => ({ severity: severity ?? null, ...times })),
        images: images.map(([image, times]) => ({ image, ...times })),
        findings: standing,
      }
      terminal.print(JSON.stringify(report, undefined, 2))
    } else for (const line of clockLines({ severities, images, standing }, options, terminal)) terminal.print(line)
    const isLate = standing.some(({ state, isOpen }) => isOpen && state === 'breached')
    return options.check === true && isLate ? exitStatus.no : exitStatus.done
  } finally {
    await opened.close()
  }
}

/** Appends to the ledger that a finding in an image may take longer, until a day. */
export async function runLedgerExcuse(
  finding: string,
  options: ExcuseOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const until = Date.parse(options.until)
  const given = new Date().toISOString()
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(options.until) || Number.isNaN(until))
    throw new UsageError('USAGE_INVALID', `cannot excuse ${finding} until "${options.until}": want a day as YYYY-MM-DD`)
  if (until <= Date.parse(given))
    throw new UsageError('USAGE_INVALID', `cannot excuse ${finding} until ${options.until}: that day has begun already`)
  const { image, by, reason } = options
  const excuse: Excuse = { image, finding, by, reason, until: new Date(until).toISOString(), given }
  const opened = await openState(statePlace(process.env, options.state))
  try {
    const ways = await Array.fromAsync(everyWay(opened.store, image, given))
    const isKnown = ways.some((way) => way.finding === finding || way.finding.startsWith(`${finding} `))
    if (!isKnown)
      throw new UsageError(
        'USAGE_INVALID',
        `cannot excuse ${finding}: ${image} has no open finding of that name; "casemate ledger clocks --image ${image}" lists them`,
      )
    const [entry] = await opened.store.ledger.append([excuseNote(excuse)])
    terminal.print(`entry ${entry?.sequence} of the ledger: ${finding} in ${image} is excused until ${options.until}`)
  } finally {
    await opened.close()
  }
  return exitStatus.done
}

/** The ways of findings that are open, or came to a mark since a moment, of an image or of all. */
export async function* everyWay(
  { clocks }: Pick<FactoryLogs, 'clocks'>,
  image: string | undefined,
  since: string,
): AsyncGenerator<FindingWay> {
  for (let after: FindingWay | undefined; ; ) {
    const ways: readonly FindingWay[] = await clocks.ways({ image, since, after, limit: BATCH })
    yield* ways
    after = ways.at(-1)
    if (ways.length < BATCH) return
  }
}

/** Those that are late first, then by how soon they are. */
function compareStanding(left: StandingLevel, right: StandingLevel): number {
  const state = LEVEL_STATES.indexOf(left.state) - LEVEL_STATES.indexOf(right.state)
  if (state !== 0) return state
  const [one, other] = [left.due ?? '', right.due ?? '']
  if (one !== other) return one < other ? -1 : 1
  return left.image < right.image ? -1 : Number(left.image > right.image)
}

interface ClockFigures {
  readonly severities: readonly (readonly [string | undefined, TimeToPatch])[]
  readonly images: readonly (readonly [string, TimeToPatch])[]
  readonly standing: readonly StandingLevel[]
}

const HEAD = ['', 'published', 'open', 'from disclosure', 'p50', 'p90', 'from fix', 'p50', 'p90', 'waiting for Debian']

function clockLines(
  { severities, images, standing }: ClockFigures,
  { all = false }: ClockOptions,
  { width, style }: Pick<Terminal, 'width' | 'style'>,
): readonly string[] {
  if (standing.length === 0) return ['no finding was under way in that time']
  const open = standing.filter(({ isOpen }) => isOpen)
  const listed = all
    ? open
    : open.filter(({ state }) => state === 'breached' || state === 'warning' || state === 'excused')
  const rows = [
    HEAD,
    ...severities.map(([severity, times]) => [severity ?? 'not rated', ...cellsOf(times)]),
    ...(all ? images.map(([image, times]) => [image, ...cellsOf(times)]) : []),
  ]
  return [
    ...formatTable(
      rows.map((row) => row.map(visibleText)),
      { width, right: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
    ),
    '',
    style('bold', countLine(open)),
    ...formatTable(listed.map(standingRow), { width }),
  ]
}

function countLine(open: readonly StandingLevel[]): string {
  const counts = LEVEL_STATES.map((state) => `${open.filter((one) => one.state === state).length} ${WORDS[state]}`)
  return `${open.length} open findings: ${counts.join(', ')}`
}

const WORDS: Readonly<Record<LevelState, string>> = {
  breached: 'late',
  warning: 'nearly late',
  excused: 'excused',
  within: 'in time',
  waiting: 'waiting for Debian',
}

function cellsOf({ published, open, fromDisclosure, fromFix, waitingForDebian }: TimeToPatch): string[] {
  return [
    String(published),
    String(open),
    ...spans(fromDisclosure),
    ...spans(fromFix),
    waitingForDebian === undefined ? '-' : formatSpan(waitingForDebian.mean),
  ]
}

function spans(summary: TimeSummary | undefined): string[] {
  return summary === undefined ? ['-', '-', '-'] : [summary.mean, summary.p50, summary.p90].map(formatSpan)
}

function standingRow({ state, image, finding, severity, due, excuse }: StandingLevel): string[] {
  const when = due === undefined ? 'no fix yet' : `due ${due.slice(0, 16).replace('T', ' ')} UTC`
  const why = excuse === undefined ? when : `until ${excuse.until.slice(0, 10)} by ${excuse.by}: ${excuse.reason}`
  return [WORDS[state], image, severity, finding, why].map(visibleText)
}
