import type { FindingWay } from '../clock.ts'
import type { Moment } from '../moment.ts'
import type { PolicySeverity } from '../settings/severity.ts'
import type { ServiceLevels } from '../settings/sla-settings.ts'
import type { Excuse } from './excuse.ts'

/** How a finding in an image stands to its service level. `waiting`: Debian has no fix yet, so no time runs against us. */
export const LEVEL_STATES = ['breached', 'warning', 'excused', 'within', 'waiting'] as const
/** One of `LEVEL_STATES`. */
export type LevelState = (typeof LEVEL_STATES)[number]

/** A finding in an image and its service level. */
export interface StandingLevel {
  readonly finding: string
  readonly image: string
  readonly severity: PolicySeverity
  readonly state: LevelState
  /** The image with the fix is not published yet. */
  readonly isOpen: boolean
  /** When its time is over, or was; `undefined` while it waits. */
  readonly due: Moment | undefined
  /** Milliseconds from the fix to its publication, or until now; 0 while it waits. */
  readonly spent: number
  readonly excuse?: Excuse
}

/** What nobody has rated counts as a plan counts it. */
const UNRATED: PolicySeverity = 'high'

/**
 * Measures a finding by its level at `now`: from when the archive had the fix until the image with it was published. One that is late is
 * excused while the last excuse for it lasts; one that was published late stays breached, unless it was excused then.
 */
export function standingOf(
  { finding, image, severity = UNRATED, marks }: FindingWay,
  {
    levels,
    excuses,
    now,
  }: { readonly levels: ServiceLevels; readonly excuses: readonly Excuse[]; readonly now: Moment },
): StandingLevel {
  const { 'fix-available': available, published } = marks
  const common = { finding, image, severity, isOpen: published === undefined }
  if (available === undefined) return { ...common, state: 'waiting', due: undefined, spent: 0 }
  const end = published ?? now
  const spent = Math.max(0, Date.parse(end) - Date.parse(available))
  const limit = levels.limits[severity]
  const due = new Date(Date.parse(available) + limit).toISOString()
  if (spent <= limit) {
    const isNear = published === undefined && spent >= limit * levels.warn
    return { ...common, state: isNear ? 'warning' : 'within', due, spent }
  }
  const excuse = excuses.findLast((one) => isAbout(one, finding, image))
  const isExcused = excuse !== undefined && excuse.given <= end && end < excuse.until
  return { ...common, state: isExcused ? 'excused' : 'breached', due, spent, ...(isExcused ? { excuse } : {}) }
}

function isAbout(excuse: Excuse, finding: string, image: string): boolean {
  return excuse.image === image && (excuse.finding === finding || finding.startsWith(`${excuse.finding} `))
}
