import type { ClockMark } from '../clock.ts'
import { planDigest } from '../plan.ts'
import type { FactoryLogs } from '../ports.ts'
import type { DisclosureOf } from './closed-findings.ts'
import type { PlannedRebuilds } from './plan-rebuilds.ts'

/**
 * Records a plan with the marks of its findings and a note in the ledger; gives its number, or `undefined` for one that answers no
 * event and says nothing. The same plan again records nothing. Belongs into the transaction that begins its run.
 */
export async function notePlan(
  logs: Pick<FactoryLogs, 'plans' | 'clocks' | 'ledger'>,
  planned: PlannedRebuilds,
  disclosed: DisclosureOf,
): Promise<number | undefined> {
  const { plan } = planned
  if (plan.events.length === 0 && plan.images.length === 0) return undefined
  const known = await logs.plans.find(planDigest(plan))
  if (known !== undefined) return known
  const number = await logs.plans.record(plan)
  await logs.clocks.record(marksOfPlan(planned, disclosed))
  const going = plan.images.filter(({ held }) => held === undefined).map(({ image }) => image)
  const held = plan.images.flatMap(({ image, held: keeps }) => (keeps === undefined ? [] : [{ image, ...keeps }]))
  const body = { plan: number, digest: planDigest(plan), events: plan.events, images: going, held }
  await logs.ledger.append([{ kind: 'plan', subject: `plan ${number}`, body, at: plan.made }])
  return number
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
