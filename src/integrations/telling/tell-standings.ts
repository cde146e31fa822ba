import { canonicalJson } from '#core'
import {
  type FactoryStore,
  type Held,
  heldMessage,
  lateMessage,
  type Moment,
  type Plan,
  type StandingLevel,
  worstSeverity,
} from '#factory'
import { takeStep } from '../watching/take-step.ts'

/** What was told before, by what it is about: the same is not told again while it stays so. */
type Told = Readonly<Record<string, string>>

/**
 * Tells which images a plan holds that were not held before, or not so; `plan` has its number. An image of which no plan says anything any
 * more may be told again. Any number of processes may, and after a restart nothing is told twice or never. Rejects as the store does.
 */
export async function tellHeld(store: FactoryStore, { images, made }: Plan, plan: number): Promise<void> {
  await takeStep(store, 'told held', (before) => {
    const told = toldOf(before?.state)
    const now: Record<string, string> = { ...told }
    const messages = images.flatMap(({ image, held, reasons }) => {
      const said = held === undefined ? undefined : canonicalJson(held satisfies Held)
      const isSame = valueUnder(told, image) === said
      if (said === undefined) delete now[image]
      else now[image] = said
      if (isSame || held === undefined) return []
      const severity = worstSeverity(reasons.map((reason) => reason.severity))
      return [
        heldMessage({ image }, held, { plan, reasons, at: made, ...(severity === undefined ? {} : { severity }) }),
      ]
    })
    return canonicalJson(now) === canonicalJson(told) ? undefined : { state: now, events: [], messages, at: made }
  })
}

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

/** Only these functions write these rows. */
function toldOf(state: unknown): Told {
  return (state ?? {}) as Told
}

function valueUnder(told: Told, key: string): string | undefined {
  return Object.hasOwn(told, key) ? told[key] : undefined
}
