import {
  type AdvisoryKind,
  type PartOutcome,
  type PartSource,
  readPublishers,
  updateParts,
  withPlaces,
} from '#advisory'
import { defaultCacheFolder } from '#debian'
import { formatAge, jsonOf, nameBroken, warnOfStale } from './advisories.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'

/** The setting that says where advisories come from, in the form of `--source`; several are parted by spaces. */
const SETTING = 'CASEMATE_ADVISORIES'

/** The options of `casemate advisories update`. */
export interface AdvisoriesUpdateOptions {
  readonly source?: readonly string[]
  readonly json?: boolean
}

/**
 * Fetches what has changed of the kinds that are named, of all without any. A part that cannot be had is named, stays as
 * it was, and makes the status "not done"; the others are taken.
 */
export async function runAdvisoriesUpdate(
  kinds: readonly AdvisoryKind[],
  options: AdvisoriesUpdateOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const sources = (await sourcesOf(options)).filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
  const outcomes = await updateParts(defaultCacheFolder(), sources, {
    onProgress: (kind, name, bytes) =>
      terminal.progress(bytes === 0 ? `${kind}: ${name} …` : `${kind}: ${name}, ${formatBytes(bytes)} …`),
  })
  terminal.progress('')
  const now = Date.now()
  for (const each of outcomes) if (each.outcome === 'updated') nameBroken(each.state, terminal)
  if (options.json === true) {
    terminal.print(JSON.stringify({ parts: outcomes.map((each) => outcomeJson(each, now)) }, null, 2))
  } else printOutcomes(outcomes, now, terminal)
  for (const each of outcomes) if (each.outcome === 'failed') warnOfFailure(each, now, terminal)
  warnOfStale(
    outcomes.flatMap((each) => (each.outcome === 'failed' ? [] : [each.state])),
    now,
    terminal,
  )
  return outcomes.some(({ outcome }) => outcome === 'failed') ? exitStatus.notDone : exitStatus.done
}

/** The publishers' listing, the environment's places over it, and the command line's over both. */
async function sourcesOf({ source = [] }: AdvisoriesUpdateOptions): Promise<readonly PartSource[]> {
  const settings = (process.env[SETTING] ?? '').split(/\s+/).filter((each) => each !== '')
  return withPlaces(withPlaces(await readPublishers(), settings, SETTING), source, '--source')
}

function printOutcomes(outcomes: readonly PartOutcome[], now: number, terminal: Terminal): void {
  const rows = outcomes.map((each) => {
    const { kind, outcome, state } = each
    if (state === undefined) return [kind, outcome, '', '', '']
    return [kind, outcome, `${state.records} records`, `${formatAge(state, now)} old`, state.origin]
  })
  for (const line of formatTable(rows, { width: terminal.width, right: [2] })) terminal.print(line)
}

function warnOfFailure(
  { kind, error, state }: Extract<PartOutcome, { outcome: 'failed' }>,
  now: number,
  terminal: Terminal,
): void {
  const rest =
    state === undefined ? 'there is none of it in the store' : `what is there stays, ${formatAge(state, now)} old`
  terminal.warn(`${kind} was not updated: ${error.message}  [${error.code}]; ${rest}`)
}

function outcomeJson(each: PartOutcome, now: number) {
  const { kind, outcome, state } = each
  const part = state === undefined ? null : jsonOf(state, now)
  if (each.outcome !== 'failed') return { kind, outcome, part }
  return { kind, outcome, error: { code: each.error.code, message: each.error.message }, part }
}
