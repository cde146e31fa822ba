import type { XStatic } from 'typebox/schema'
import type { DocumentPath, Fault, Shape } from '#core'
import { durationOf, waitShape } from './duration.ts'
import { isPolicySeverity, type PolicySeverity, severitiesShape } from './severity.ts'
import { instantOf, isTimeZone, WEEKDAYS, type Weekday } from './zoned-time.ts'

/** When newer packages become releases. Lengths of time are in milliseconds. */
export interface UpdatePolicy {
  /** By severity, how long a fix may wait for others at most after it was seen. */
  readonly security: Readonly<Record<PolicySeverity, number>>
  /** The same of newer packages that close no finding. */
  readonly updates: number
  /** The least time between two releases of an image where the second closes no finding. */
  readonly coolDown: number
  /** How long an image that failed waits until it is tried again for the same reasons, doubled each time; `undefined` for until somebody asks. */
  readonly retry: number | undefined
  readonly freezes: readonly Freeze[]
  readonly windows: readonly MaintenanceWindow[]
  readonly approvals: readonly ApprovalRule[]
}

/** What a rule is about: patterns of images' names, in which `*` stands for anything; `undefined` for all images. */
export type Concerned = readonly string[] | undefined

/** A time in which images stay as they are. */
export interface Freeze {
  readonly images: Concerned
  /** Milliseconds since 1970; `until` is the first instant that is free again. */
  readonly from: number
  readonly until: number
  readonly except: readonly PolicySeverity[]
  readonly reason: string
}

/** Hours in which alone images are rebuilt, on some days, by a wall clock. */
export interface MaintenanceWindow {
  readonly images: Concerned
  readonly days: readonly Weekday[]
  /** Minutes since midnight; a window that does not end after it begins ends on the next day. */
  readonly from: number
  readonly until: number
  readonly zone: string
  readonly except: readonly PolicySeverity[]
}

/** Images whose rebuilds somebody has to agree to. */
export interface ApprovalRule {
  readonly images: Concerned
  readonly by: string
  readonly except: readonly PolicySeverity[]
}

const sentence = { type: 'string', title: 'text, not empty', pattern: '\\S', maxLength: 500 } as const
const images = {
  type: 'array',
  title: 'a list of images, in which * stands for anything',
  minItems: 1,
  items: {
    type: 'string',
    title: "an image's name, or a pattern",
    pattern: '^[a-z0-9*][a-z0-9._/*-]*$',
    maxLength: 255,
  },
} as const
const day = { type: 'string', title: 'a day as YYYY-MM-DD', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' } as const
const time = { type: 'string', title: 'a time as "HH:MM"', pattern: '^(?:[01][0-9]|2[0-3]):[0-5][0-9]$' } as const
const zone = { type: 'string', title: 'a time zone such as Europe/Berlin', maxLength: 64 } as const

/** The section `policy` of `factory.yaml`. */
export const policyShape = {
  type: 'object',
  title: 'the policy of updates',
  description: 'When newer packages become releases.',
  additionalProperties: false,
  properties: {
    security: {
      type: 'object',
      title: 'waits by severity',
      description: 'How long a fix may wait for others at most, after it was seen.',
      additionalProperties: false,
      properties: { critical: waitShape, high: waitShape, medium: waitShape, low: waitShape },
    },
    updates: { ...waitShape, description: 'The same of newer packages that close no finding.' },
    'cool-down': {
      ...waitShape,
      description: 'The least time between two releases where the second closes no finding.',
    },
    retry: {
      type: 'string',
      title: 'never, or a length of time, such as 30m',
      description:
        'How long an image that failed waits until it is tried again, doubled each time up to a day. Default: 30m.',
      pattern: '^(?:never|[1-9][0-9]{0,4}[smhdw])$',
    },
    freezes: {
      type: 'array',
      title: 'a list of freezes',
      items: {
        type: 'object',
        title: 'a freeze',
        description: 'From the beginning of a day to the beginning of another one, images stay as they are.',
        additionalProperties: false,
        required: ['from', 'until', 'reason'],
        properties: { images, from: day, until: day, zone, except: severitiesShape, reason: sentence },
      },
    },
    windows: {
      type: 'array',
      title: 'a list of maintenance windows',
      items: {
        type: 'object',
        title: 'a maintenance window',
        description: 'Images that have any are rebuilt in them only.',
        additionalProperties: false,
        required: ['from', 'until'],
        properties: {
          images,
          days: { type: 'array', title: 'a list of days: mon, tue, …', minItems: 1, items: { enum: WEEKDAYS } },
          from: time,
          until: time,
          zone,
          except: severitiesShape,
        },
      },
    },
    approval: {
      type: 'array',
      title: 'a list of approvals',
      items: {
        type: 'object',
        title: 'an approval',
        description: 'Rebuilds of these images wait until somebody agrees.',
        additionalProperties: false,
        required: ['by'],
        properties: { images, by: sentence, except: severitiesShape },
      },
    },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenPolicy = XStatic<typeof policyShape>

const DEFAULT_WAITS = { critical: 'now', high: 'now', medium: '1d', low: '7d' } as const

/** What the section says, with defaults for what it does not. */
export function policyOf(written: WrittenPolicy = {}): UpdatePolicy {
  const wait = (severity: PolicySeverity) => durationOf(written.security?.[severity] ?? DEFAULT_WAITS[severity])
  return {
    security: { critical: wait('critical'), high: wait('high'), medium: wait('medium'), low: wait('low') },
    updates: durationOf(written.updates ?? '7d'),
    coolDown: durationOf(written['cool-down'] ?? '1h'),
    retry: written.retry === 'never' ? undefined : durationOf(written.retry ?? '30m'),
    freezes: (written.freezes ?? []).map((one) => ({
      images: one.images,
      from: startOfDay(one.from, one.zone),
      until: startOfDay(one.until, one.zone),
      except: severities(one.except),
      reason: one.reason.trim(),
    })),
    windows: (written.windows ?? []).map((one) => ({
      images: one.images,
      days: one.days === undefined ? WEEKDAYS : WEEKDAYS.filter((day) => one.days?.includes(day)),
      from: minutesOf(one.from),
      until: minutesOf(one.until),
      zone: one.zone ?? 'UTC',
      except: severities(one.except),
    })),
    approvals: (written.approval ?? []).map(({ images, by, except }) => ({ images, by, except: severities(except) })),
  }
}

/** What is wrong with a section that has the right shape: days and zones that do not exist, freezes that end before they begin. */
export function policyFaults({ freezes = [], windows = [] }: WrittenPolicy, path: DocumentPath): readonly Fault[] {
  return [
    ...freezes.flatMap(({ from, until, zone }, index) => {
      const at = [...path, 'freezes', index]
      const faults = [
        ...dayFaults(from, [...at, 'from']),
        ...dayFaults(until, [...at, 'until']),
        ...zoneFaults(zone, at),
      ]
      if (faults.length > 0 || from < until) return faults
      return [fault([...at, 'until'], `found ${until}, want a day after ${from}: a freeze ends where this day begins`)]
    }),
    ...windows.flatMap(({ zone, from, until }, index) => {
      const at = [...path, 'windows', index]
      const empty = from === until ? [fault([...at, 'until'], `found ${until}, want another time than \`from\``)] : []
      return [...zoneFaults(zone, at), ...empty]
    }),
  ]
}

function dayFaults(text: string, path: DocumentPath): readonly Fault[] {
  const parsed = Date.parse(text)
  // A 31 February is parsed, and gives another day.
  if (!Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(text)) return []
  return [fault(path, `found ${text}, want a day that exists`)]
}

function zoneFaults(name: string | undefined, path: DocumentPath): readonly Fault[] {
  if (name === undefined || isTimeZone(name)) return []
  return [fault([...path, 'zone'], `found ${JSON.stringify(name)}, want a time zone such as Europe/Berlin`)]
}

function fault(path: DocumentPath, message: string): Fault {
  return { path, at: 'value', message }
}

function startOfDay(text: string, zone = 'UTC'): number {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number)
  return instantOf({ year, month, day, hour: 0, minute: 0 }, zone)
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return hours * 60 + minutes
}

function severities(words: readonly string[] = []): readonly PolicySeverity[] {
  return words.filter(isPolicySeverity)
}
