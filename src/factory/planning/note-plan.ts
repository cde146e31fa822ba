import { canonicalJson } from '#core'
import type { ClockMark } from '../clock.ts'
import { type Held, type Plan, planDigest } from '../plan.ts'
import type { FactoryLogs } from '../ports.ts'
import { worstSeverity } from '../settings/severity.ts'
import { heldMessage } from '../telling/messages.ts'
import type { DisclosureOf } from './closed-findings.ts'
import type { WaitingImage } from './holds.ts'
import type { PlannedRebuilds } from './plan-rebuilds.ts'

/** A plan that was recorded. */
export interface NotedPlan {
  readonly plan: number
  /** Whether something is to be rebuilt. */
  readonly isGoing: boolean
}

/** What noting a plan rests on. */
export interface NoteBasis {
  readonly disclosed: DisclosureOf
  /** What was said of held images before: that is not said again. */
  readonly waiting: ReadonlyMap<string, WaitingImage>
}

/**
 * Records a plan, as far as it says something new, with the marks of its findings, a note in the ledger and messages for what is held
 * from now on; `undefined` where it says nothing and answers nothing. The same plan again records nothing. Belongs into a transaction.
 */
export async function notePlan(
  logs: Pick<FactoryLogs, 'plans' | 'clocks' | 'ledger' | 'outbox'>,
  planned: PlannedRebuilds,
  { disclosed, waiting }: NoteBasis,
): Promise<NotedPlan | undefined> {
  const plan = newsOf(planned, waiting)
  if (plan.events.length === 0 && plan.images.length === 0) return undefined
  const going = plan.images.filter(({ held }) => held === undefined).map(({ image }) => image)
  const known = await logs.plans.find(planDigest(plan))
  if (known !== undefined) return { plan: known, isGoing: going.length > 0 }
  const number = await logs.plans.record(plan)
  await logs.clocks.record(marksOfPlan({ plan, findings: planned.findings }, disclosed))
  const held = plan.images.flatMap(({ image, reasons, held: keeps }) =>
    keeps === undefined ? [] : [{ image, reasons, keeps }],
  )
  await logs.outbox.add(
    held
      // That it failed was told by its run.
      .filter(({ image, keeps }) => keeps.by !== 'failure' && !isSame(waiting.get(image)?.held, keeps))
      .map(({ image, reasons, keeps }) => {
        const severity = worstSeverity(reasons.map((reason) => reason.severity))
        const rated = severity === undefined ? {} : { severity }
        return heldMessage({ image }, keeps, { plan: number, reasons, at: plan.made, ...rated })
      }),
  )
  const body = {
    plan: number,
    digest: planDigest(plan),
    events: plan.events,
    images: going,
    held: held.map(({ image, keeps }) => ({ image, ...keeps })),
  }
  await logs.ledger.append([{ kind: 'plan', subject: `plan ${number}`, body, at: plan.made }])
  return { plan: number, isGoing: going.length > 0 }
}

/** A plan without the images that are held as they were: with hundreds of them, each event would tell all of them again. */
function newsOf({ plan, answers }: PlannedRebuilds, waiting: ReadonlyMap<string, WaitingImage>): Plan {
  const images = plan.images.filter(({ image, reasons, held }) => {
    const known = waiting.get(image)
    return (
      held === undefined || !isSame(known?.held, held) || canonicalJson(reasons) !== canonicalJson(known?.reasons ?? [])
    )
  })
  const events = new Set([...answers, ...images.flatMap(({ reasons }) => reasons.map(({ event }) => event))])
  events.delete(0)
  return { ...plan, events: [...events].sort((left, right) => left - right), images }
}

function isSame(before: Held | undefined, now: Held): boolean {
  return before !== undefined && canonicalJson(before) === canonicalJson(now)
}

/** What a plan says of findings: since when they and their fixes are known, and that they are planned, where nothing holds them. */
export function marksOfPlan(
  { plan, findings }: Pick<PlannedRebuilds, 'plan' | 'findings'>,
  disclosed: DisclosureOf,
): readonly ClockMark[] {
  return plan.images.flatMap(({ image, reasons, held }) => {
    const going = held === undefined ? reasons.filter(({ waits }) => waits === undefined) : []
    const planned = new Set(going.flatMap(({ source, advisories }) => advisories.map((one) => `${one} ${source}`)))
    return (findings.get(image) ?? []).flatMap(({ finding, advisory, severity, available, seen }): ClockMark[] => {
      const common = { finding, image, severity }
      const at = disclosed(advisory)
      return [
        ...(at === undefined ? [] : [{ ...common, mark: 'disclosed' as const, at }]),
        { ...common, mark: 'fix-available', at: available },
        { ...common, mark: 'seen', at: seen },
        ...(planned.has(finding) ? [{ ...common, mark: 'planned' as const, at: plan.made }] : []),
      ]
    })
  })
}
