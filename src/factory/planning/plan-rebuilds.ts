import type { Hold } from '../decision.ts'
import type { FactoryEvent } from '../event.ts'
import type { Moment } from '../moment.ts'
import type { Plan, PlannedImage, Reason } from '../plan.ts'
import type { HeldPackage } from '../release.ts'
import type { UpdatePolicy } from '../settings/policy-settings.ts'
import { worstSeverity } from '../settings/severity.ts'
import { parseArchiveChange } from './archive-change.ts'
import { type AskedFor, askedFor } from './asked-for.ts'
import type { CloseFindings } from './closed-findings.ts'
import { decideImage } from './decide-image.ts'
import type { Fleet, FleetMember } from './fleet.ts'
import { type GivenApproval, heldBack, type WaitingImage } from './holds.ts'
import type { Offer, Offers } from './offers.ts'
import { type OutstandingChanges, outstandingChanges, type SeenFinding } from './outstanding.ts'
import { type FailedImage, partsOf, withFailure } from './retries.ts'

/** Everything that a plan is made of. */
export interface PlanInput {
  /** Recorded events that no plan answers yet, rising; none where a hold has run out or somebody has decided. */
  readonly events: readonly FactoryEvent[]
  readonly fleet: Fleet
  /** What archives have, by all events so far. */
  readonly offers: Offers
  readonly closes: CloseFindings
  readonly policy: UpdatePolicy
  readonly holds: readonly Hold[]
  /** Archives that must not be built from, with why. */
  readonly alarms: ReadonlyMap<string, string>
  /** The last word on images, by name. */
  readonly approvals: ReadonlyMap<string, GivenApproval>
  /** What the last plan said of images that it held, by name: of that, what is no newer package is not forgotten. */
  readonly waiting: ReadonlyMap<string, WaitingImage>
  /** What is being done about images at present, by name: it is not planned twice. */
  readonly underway: ReadonlyMap<string, readonly Reason[]>
  /** Images whose last run failed, by name: what has no newer package is not forgotten, and what was tried waits. */
  readonly failed: ReadonlyMap<string, FailedImage>
  readonly now: Moment
}

/** An image that the events are about and that stays as it is, with why. */
export interface UnchangedImage {
  readonly image: string
  readonly reason: string
}

/** A plan, and what it leaves out. */
export interface PlannedRebuilds {
  readonly plan: Plan
  /** By name: no new digest without a reason. */
  readonly unchanged: readonly UnchangedImage[]
  /** Numbers of the events that it answers for the first time. */
  readonly answers: readonly number[]
  /** What each image of the plan lacks the fix of, as far as it is known. */
  readonly findings: ReadonlyMap<string, readonly SeenFinding[]>
  /** When there may be another plan without an event, because something is held until then. */
  readonly next: Moment | undefined
}

/**
 * Decides which images are rebuilt now, which are held and by what, and which stay as they are. The same input gives the same
 * plan. Throws `EVENT_INVALID` for an event of an archive that cannot be read.
 */
export function planRebuilds(input: PlanInput): PlannedRebuilds {
  const planning = new Planning(input)
  for (const member of planning.candidates()) planning.decide(member)
  return planning.result()
}

class Planning {
  readonly #input: PlanInput
  readonly #now: number
  readonly #asked: AskedFor
  /** Names of packages that the events are about. */
  readonly #changed: ReadonlySet<string>
  /** What is newer than each package that some image holds; the fleet has each package once. */
  readonly #newer = new Map<HeldPackage, readonly Offer[]>()
  readonly #planned = new Map<string, PlannedImage>()
  readonly #unchanged = new Map<string, string>()
  readonly #findings = new Map<string, readonly SeenFinding[]>()

  constructor(input: PlanInput) {
    this.#input = input
    this.#now = Date.parse(input.now)
    this.#asked = askedFor(input.events, input.waiting, input.failed)
    const changes = input.events.filter(({ kind }) => kind === 'archive-changed').map(parseArchiveChange)
    this.#changed = new Set(changes.flatMap(({ packages }) => packages.map(({ name }) => name)))
    for (const held of input.fleet.packages()) {
      const newer = input.offers.newerThan(held)
      if (newer.length > 0) this.#newer.set(held, newer)
    }
  }

  /** The images that there is something to say of, in the order of work, with what stacks on them. */
  candidates(): readonly FleetMember[] {
    const { fleet } = this.#input
    const names = new Set([...this.#asked.reasons.keys(), ...this.#asked.unchanged.keys()])
    for (const held of fleet.packages()) {
      if (!this.#changed.has(held.name) && !this.#newer.has(held)) continue
      for (const image of fleet.holders(held)) names.add(image)
    }
    // A set that grows is gone through to its end.
    for (const image of names) for (const child of fleet.get(image)?.children ?? []) names.add(child)
    return fleet.members.filter(({ image }) => names.has(image))
  }

  decide(member: FleetMember): void {
    const { image, parent } = member
    const { closes, policy } = this.#input
    const outstanding = outstandingChanges(member, (held) => this.#newer.get(held), closes)
    const decided = decideImage({
      ...outstanding,
      asked: this.#asked.reasons.get(image) ?? [],
      parent,
      above: parent === undefined ? undefined : this.#planned.get(parent),
      policy,
      now: this.#now,
    })
    if (decided.kind === 'nothing') return void this.#unchanged.set(image, this.#whyUnchanged(member))
    const decision = { ...decided, reasons: withFailure(decided.reasons, this.#input.failed.get(image)) }
    if (this.#isUnderway(image, decision.reasons)) this.#unchanged.set(image, 'it is being rebuilt for that already')
    else if (decision.kind === 'now') {
      const held = this.#heldBack(member, decision)
      this.#plan(
        { image, after: held === undefined ? decision.after : [], reasons: decision.reasons, held },
        outstanding,
      )
    } else this.#plan({ image, after: [], reasons: decision.reasons, held: decision.held }, outstanding)
  }

  #plan(planned: PlannedImage, { own, inherited }: OutstandingChanges): void {
    this.#planned.set(planned.image, planned)
    const findings = [...own, ...inherited].flatMap((one) => one.findings)
    this.#findings.set(planned.image, [...new Map(findings.map((one) => [one.finding, one])).values()])
  }

  result(): PlannedRebuilds {
    const { events, now } = this.#input
    const images = [...this.#planned.values()]
    const reasons = images.flatMap((one) => one.reasons)
    const answered = new Set([...events.map(({ id }) => id), ...reasons.map(({ event }) => event)])
    answered.delete(0)
    const holding = [...images.map(({ held }) => held), ...reasons.map(({ waits }) => waits)]
    const unchanged = [...this.#unchanged].map(([image, reason]) => ({ image, reason }))
    return {
      plan: { events: [...answered].sort((left, right) => left - right), images, made: now },
      answers: events.map(({ id }) => id),
      findings: this.#findings,
      unchanged: unchanged.sort((left, right) => (left.image < right.image ? -1 : 1)),
      next: holding
        .flatMap((held) => held?.until ?? [])
        .sort()
        .at(0),
    }
  }

  #heldBack({ image, released, contents }: FleetMember, { reasons, after }: Pick<PlannedImage, 'reasons' | 'after'>) {
    const { policy, holds, alarms, approvals, failed } = this.#input
    const counted = reasons.filter(({ waits }) => waits === undefined)
    const question = {
      ...{ image, reasons: counted, severity: worstSeverity(counted.map(({ severity }) => severity)) },
      isUpdate: counted.every(({ because }) => because === undefined),
      released: released === undefined ? undefined : Date.parse(released),
      archives: alarms.size === 0 ? NO_ARCHIVES : archivesOf(contents),
      approval: approvals.get(image),
      // Who goes with its parent failed with it, or is made on another one.
      failed: after.length > 0 ? undefined : failed.get(image),
    }
    return heldBack(question, { policy, holds, alarms, now: this.#now })
  }

  /** What is planned again while it is being done would be done twice. */
  #isUnderway(image: string, reasons: readonly Reason[]): boolean {
    const underway = new Set(this.#input.underway.get(image)?.flatMap(partsOf) ?? [])
    const counted = reasons.filter(({ waits }) => waits === undefined)
    return underway.size > 0 && counted.flatMap(partsOf).every((part) => underway.has(part))
  }

  #whyUnchanged({ image, parent, contents }: FleetMember): string {
    const asked = this.#asked.unchanged.get(image)
    if (asked !== undefined) return asked
    const has = new Set<string>()
    for (const packages of contents.values()) {
      for (const { name, version } of packages) if (this.#changed.has(name)) has.add(`${name} ${version}`)
    }
    const [first, ...more] = [...has].sort()
    if (first !== undefined)
      return `it has ${first}${more.length === 0 ? '' : ` and ${more.length} more`}: nothing newer is offered`
    const above = parent === undefined ? undefined : this.#planned.get(parent)
    return above === undefined ? 'it has nothing that is newer' : `${above.image} changes nothing that it has`
  }
}

const NO_ARCHIVES: ReadonlySet<string> = new Set()

function archivesOf(contents: FleetMember['contents']): ReadonlySet<string> {
  return new Set([...contents.values()].flatMap((packages) => packages.map(({ archive }) => archive)))
}
