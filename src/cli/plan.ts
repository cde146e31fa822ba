import {
  type FactorySettings,
  type Plan,
  type PlannedRebuilds,
  planRebuilds,
  type SupportEnd,
  supportEnds,
  type UnchangedImage,
} from '#factory'
import { hasState, openState, statePlace } from '#store'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { archiveFoldersOf, fleetReferences } from './factory/fleet-references.ts'
import { definitionsBelow, type FleetDefinitions, openFleet } from './fleet-definitions.ts'
import { placeOf } from './place.ts'
import {
  type ArchiveFacts,
  basisOfLocks,
  expiry,
  openFindings,
  type PlanBasis,
  plannerOf,
  readArchiveFacts,
} from './plan-basis.ts'
import { planLines } from './plan-page.ts'
import { readSettings } from './plan-settings.ts'
import { holdAdvisories, stalePolicy } from './stale-advisories.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions, StaleOptions } from './verb.ts'

/** The options of `casemate plan`, as the command line gives them. */
export interface PlanOptions extends PlaceOptions, StaleOptions {
  readonly definitions?: readonly string[]
  readonly settings?: string
  readonly state?: string
  readonly since?: string
  readonly all?: boolean
  readonly check?: boolean
  readonly json?: boolean
}

/** What is printed. */
export interface PrintedPlan {
  readonly plan: Plan
  readonly unchanged: readonly UnchangedImage[]
  readonly next: string | undefined
  /** Images of which it is not known what they hold, with why. */
  readonly unknown: readonly UnchangedImage[]
  /** Ends of support that are near or over, the next first. */
  readonly support: readonly SupportEnd[]
  /** How many images there are in all. */
  readonly images: number
  /** `database`, or `locks` where there is none. */
  readonly basis: 'database' | 'locks'
}

/** Days before the end of a support at which it is told. */
const NEAR = 180

/** Prints what would be rebuilt and why, what is held and why, and does nothing of it. */
export async function runPlan(options: PlanOptions, terminal: Terminal): Promise<ExitStatus> {
  const now = new Date().toISOString()
  const since = options.since === undefined ? undefined : momentOf(options.since)
  const settings = await readSettings(options.settings)
  terminal.progress('reading the definitions …')
  const definitions = await openFleet(await referencesOf(settings, options))
  const facts = await readArchiveFacts(archiveFoldersOf(definitions))
  const findings = openFindings(facts)
  try {
    if (findings.advisories === undefined)
      terminal.warn('no advisories were imported: findings have no names, and each security update counts as high')
    else holdAdvisories(findings.advisories.parts, stalePolicy(options), terminal)
    const found = await basisOf(definitions, { options, facts, now, since, terminal, settings, findings })
    const planned = planRebuilds({ ...found.basis, closes: findings.closes, policy: settings.policy, now })
    terminal.progress('')
    const printed = toPrint(planned, definitions, found)
    if (options.json === true) terminal.print(JSON.stringify({ schema: 'casemate.plan/v1', ...printed }, undefined, 2))
    else for (const line of planLines(printed, terminal, options.all === true)) terminal.print(line)
    const isToDo = planned.plan.images.some(({ held }) => held === undefined)
    return options.check === true && isToDo ? exitStatus.no : exitStatus.done
  } finally {
    findings.close()
  }
}

interface Finding {
  readonly options: PlanOptions
  readonly facts: ArchiveFacts
  readonly now: string
  readonly since: string | undefined
  readonly terminal: Terminal
  readonly settings: FactorySettings
  readonly findings: ReturnType<typeof openFindings>
}

/** By the factory's memory where there is one, else by the locks and today's archives. */
async function basisOf(
  definitions: FleetDefinitions,
  { options, facts, now, since, terminal, settings, findings }: Finding,
): Promise<{ readonly basis: PlanBasis; readonly kind: PrintedPlan['basis'] }> {
  const state = statePlace(process.env, options.state ?? './state')
  if (options.state !== undefined || (await hasState(state))) {
    terminal.progress('asking the database …')
    const opened = await openState(state)
    try {
      const ports = { store: opened.store, place: options, policy: settings.policy, now: () => now, terminal }
      const planner = plannerOf(ports, () => ({ definitions, facts, findings }))
      return { basis: await planner.input(since), kind: 'database' }
    } finally {
      await opened.close()
    }
  }
  terminal.progress('reading the archives …')
  const archive = { ...(await placeOf(options, definitions.files)), ...expiry(options) }
  const { basis, notices } = await basisOfLocks(definitions, archive, { facts, now, since })
  for (const notice of notices) terminal.warn(notice)
  return { basis, kind: 'locks' }
}

function toPrint(
  { plan, unchanged, next }: PlannedRebuilds,
  definitions: FleetDefinitions,
  { basis, kind }: { readonly basis: PlanBasis; readonly kind: PrintedPlan['basis'] },
): PrintedPlan {
  const unknown = [...definitions.unlocked]
    .map(([image, reason]) => ({ image, reason }))
    .filter(({ image }) => (basis.fleet.get(image)?.contents.size ?? 0) === 0)
  const known = new Set([...basis.fleet.members.map(({ image }) => image), ...definitions.unlocked.keys()])
  const ends = supportEnds(definitions.supported, { now: Date.parse(plan.made), near: NEAR })
  const support = ends.filter(({ state }) => state !== 'supported')
  return { plan, unchanged, next, unknown, support, images: known.size, basis: kind }
}

/** The folders that are named; else what the settings say. */
async function referencesOf(settings: FactorySettings, { definitions }: PlanOptions): Promise<readonly string[]> {
  if (definitions === undefined) return fleetReferences(settings)
  return (await Promise.all(definitions.map(definitionsBelow))).flat()
}

function momentOf(text: string): string {
  const time = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw new UsageError(
      'USAGE_INVALID',
      `cannot read the time "${text}": want e.g. 2026-11-22 or 2026-11-22T12:00:00Z`,
    )
  return new Date(time).toISOString()
}
