import { canonicalJson } from '#core'
import { type FactoryStore, lateMessage, type Moment, type StandingLevel } from '#factory'
import { takeStep } from '../watching/take-step.ts'

/** What was told before, by what it is about: the same is not told again while it stays so. */
type Told = Readonly<Record<string, string>>

/**
 * Tells of which open findings the time is nearly up, or up, that were not told so before. `standings` are all that are open, as `standingOf`
 * gives them. Rejects as the store does.
 */
export async function tellLate(store: FactoryStore, standings: readonly StandingLevel[], now: Moment): Promise<void> {
  await takeStep(store, 'told late', (before) => {
    const told = toldOf(before?.state)
    const late = standings.flatMap((one) => (one.isOpen && one.due !== undefined ? lateOf(one, one.due, now) : []))
    const state = Object.fromEntries(late.map(({ key, kind }) => [key, kind]))
    const messages = late.filter(({ key, kind }) => valueUnder(told, key) !== kind).map(({ message }) => message)
    return canonicalJson(state) === canonicalJson(told) ? undefined : { state, events: [], messages, at: now }
  })
}

function lateOf({ finding, image, severity, state, spent }: StandingLevel, due: Moment, now: Moment) {
  if (state !== 'warning' && state !== 'breached') return []
  const kind = state === 'warning' ? ('warning' as const) : ('breach' as const)
  const since = new Date(Date.parse(now) - spent).toISOString()
  const message = lateMessage(kind, { image }, { finding, severity, since, due }, now)
  return [{ key: `${image} ${finding}`, kind, message }]
}

/** Only this function writes this row. */
function toldOf(state: unknown): Told {
  return (state ?? {}) as Told
}

function valueUnder(told: Told, key: string): string | undefined {
  return Object.hasOwn(told, key) ? told[key] : undefined
}
