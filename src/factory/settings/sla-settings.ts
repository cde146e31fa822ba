import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'
import { durationOf, durationShape } from './duration.ts'
import type { PolicySeverity } from './severity.ts'

/** How long a fix may take from Debian's archive to a published image. */
export interface ServiceLevels {
  /** Milliseconds by severity. */
  readonly limits: Readonly<Record<PolicySeverity, number>>
  /** The share of the limit after which there is a warning, from 0 to 1. */
  readonly warn: number
}

/** The section `sla` of `factory.yaml`. */
export const slaShape = {
  type: 'object',
  title: 'service levels',
  description: 'How long a fix may take, from when the archive has it until the image with it is published.',
  additionalProperties: false,
  properties: {
    critical: durationShape,
    high: durationShape,
    medium: durationShape,
    low: durationShape,
    warn: { type: 'string', title: 'a share such as 75%', pattern: '^(?:[1-9]?[0-9]|100)%$' },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenLevels = XStatic<typeof slaShape>

const DEFAULTS = { critical: '2d', high: '7d', medium: '30d', low: '90d' } as const

/** What the section says, with defaults for what it does not. */
export function serviceLevelsOf(written: WrittenLevels = {}): ServiceLevels {
  const limit = (severity: PolicySeverity) => durationOf(written[severity] ?? DEFAULTS[severity])
  return {
    limits: { critical: limit('critical'), high: limit('high'), medium: limit('medium'), low: limit('low') },
    warn: Number.parseInt(written.warn ?? '75%', 10) / 100,
  }
}
