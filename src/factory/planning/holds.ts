import { matchesNamePattern } from '#core'
import type { Approval, Hold } from '../decision.ts'
import type { Held, Reason } from '../plan.ts'
import type { Concerned, Freeze, MaintenanceWindow, UpdatePolicy } from '../settings/policy-settings.ts'
import type { PolicySeverity } from '../settings/severity.ts'
import { instantOf, wallTimeAt, weekdayOf } from '../settings/zoned-time.ts'
import { type FailedImage, heldByFailure } from './retries.ts'

/** A person's word on an image of an earlier plan, with what that plan would have done. */
export interface GivenApproval extends Pick<Approval, 'approved' | 'reason' | 'by'> {
  readonly reasons: readonly Reason[]
}

/** An image that a plan holds. */
export interface WaitingImage {
  readonly reasons: readonly Reason[]
  readonly held: Held
}

/** What decides whether an image may be rebuilt now that has a reason to. */
export interface HoldQuestion {
  readonly image: string
  readonly reasons: readonly Reason[]
  /** The worst of its reasons; `undefined` where it closes no finding. */
  readonly severity: PolicySeverity | undefined
  /** It is done for newer packages alone: nobody asked, and no definition changed. */
  readonly isUpdate: boolean
  /** Of its last release, in milliseconds since 1970. */
  readonly released: number | undefined
  /** The named archives that its packages come from; needed where there is an alarm. */
  readonly archives: ReadonlySet<string>
  /** The last word on it. */
  readonly approval: GivenApproval | undefined
  /** Its last run, where that failed. */
  readonly failed: FailedImage | undefined
}

/** What images are held by. */
export interface HoldBasis {
  readonly policy: UpdatePolicy
  readonly holds: readonly Hold[]
  /** Archives that must not be built from, with why. */
  readonly alarms: ReadonlyMap<string, string>
  readonly now: number
}

/** What keeps an image as it is at `now` (milliseconds since 1970): the one of all that lasts longest, or `undefined`. */
export function heldBack(question: HoldQuestion, { policy, holds, alarms, now }: HoldBasis): Held | undefined {
  const all = [
    ...[...alarms].map(([archive, reason]) => heldByAlarm(question, archive, reason)),
    ...holds.map((hold) => heldByPerson(question, hold)),
    ...policy.freezes.map((freeze) => heldByFreeze(question, freeze, now)),
    heldByWindows(question, policy.windows, now),
    heldByCoolDown(question, policy, now),
    ...policy.approvals.map((rule) => heldByApproval(question, rule)),
    question.failed && heldByFailure(question.failed, question.reasons, { policy, now }),
  ]
  return all.reduce((longest, held) => (lasts(held) > lasts(longest) ? held : longest), undefined)
}

function lasts(held: Held | undefined): number {
  if (held === undefined) return Number.NEGATIVE_INFINITY
  return held.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(held.until)
}

/** Whether a rule is about an image. */
export function concerns(images: Concerned, image: string): boolean {
  return images === undefined || images.some((pattern) => matchesNamePattern(pattern, image))
}

function isExcepted(except: readonly PolicySeverity[], { severity }: HoldQuestion): boolean {
  return severity !== undefined && except.includes(severity)
}

/** Nothing is published from an archive that went back or is stale, whatever for. */
function heldByAlarm({ archives }: HoldQuestion, archive: string, reason: string): Held | undefined {
  if (!archives.has(archive)) return undefined
  return { by: 'archive', reason: `${archive} must not be built from: ${reason}` }
}

function heldByPerson({ image }: HoldQuestion, hold: Hold): Held | undefined {
  if (hold.image !== undefined && hold.image !== image) return undefined
  return {
    by: 'hold',
    reason: `${hold.by}: ${hold.reason}`,
    ...(hold.until === undefined ? {} : { until: hold.until }),
  }
}

function heldByFreeze(question: HoldQuestion, freeze: Freeze, now: number): Held | undefined {
  const { images, from, until, except, reason } = freeze
  if (now < from || now >= until || !concerns(images, question.image) || isExcepted(except, question)) return undefined
  return { by: 'policy', reason: `frozen: ${reason}`, until: momentOf(until) }
}

function heldByWindows(question: HoldQuestion, windows: readonly MaintenanceWindow[], now: number): Held | undefined {
  const own = windows.filter(({ images }) => concerns(images, question.image))
  if (own.length === 0 || own.some(({ except }) => isExcepted(except, question))) return undefined
  const openings = own.map((window) => opensAt(window, now))
  const next = Math.min(...openings)
  if (next <= now) return undefined
  const zone = own[openings.indexOf(next)]?.zone ?? 'UTC'
  return { by: 'policy', reason: `outside of its maintenance window (${zone})`, until: momentOf(next) }
}

/** When a window is open next: `now` itself while it is. */
export function opensAt({ days, from, until, zone }: MaintenanceWindow, now: number): number {
  const today = wallTimeAt(now, zone)
  // From yesterday on, whose window may reach into today, to this day in a week.
  for (let offset = -1; offset <= 8; offset++) {
    const day = { ...today, day: today.day + offset }
    if (!days.includes(weekdayOf(day))) continue
    const opens = instantOf({ ...day, ...clockOf(from) }, zone)
    const end = until > from ? day : { ...day, day: day.day + 1 }
    const closes = instantOf({ ...end, ...clockOf(until) }, zone)
    if (closes > now && closes > opens) return Math.max(opens, now)
  }
  return Number.POSITIVE_INFINITY
}

function clockOf(minutes: number): { hour: number; minute: number } {
  return { hour: Math.floor(minutes / 60), minute: minutes % 60 }
}

function heldByCoolDown(
  { severity, isUpdate, released }: HoldQuestion,
  { coolDown }: UpdatePolicy,
  now: number,
): Held | undefined {
  if (severity !== undefined || !isUpdate || released === undefined || now >= released + coolDown) return undefined
  const until = momentOf(released + coolDown)
  return { by: 'policy', reason: `released at ${momentOf(released)}, and this closes no finding`, until }
}

/** An approval is of what the plan said that was approved: what came since has to be approved as well. */
function heldByApproval(
  question: HoldQuestion,
  { images, by, except }: UpdatePolicy['approvals'][number],
): Held | undefined {
  if (!concerns(images, question.image) || isExcepted(except, question)) return undefined
  const { approval, reasons } = question
  if (approval === undefined) return { by: 'approval', reason: `${by} has to approve it` }
  if (!approval.approved) return { by: 'approval', reason: `${approval.by} refused it: ${approval.reason}` }
  const approved = new Set(approval.reasons.flatMap(approvedParts))
  const more = reasons.flatMap(approvedParts).filter((part) => !approved.has(part))
  if (more.length === 0) return undefined
  return {
    by: 'approval',
    reason: `${approval.by} approved it without ${more.join(', ')}; ${by} has to approve that, too`,
  }
}

function approvedParts({ changes, because }: Reason): string[] {
  if (changes.length === 0) return [because ?? 'what was asked for']
  return changes.map((change) => `${change.package} ${change.to ?? 'going'}`)
}

function momentOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
