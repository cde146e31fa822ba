import type { Shape } from '#core'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** How a length of time is written in `factory.yaml`. */
export const durationShape = {
  type: 'string',
  title: 'a length of time, such as 15s, 5m, 1h, 7d or 2w',
  pattern: '^[1-9][0-9]{0,4}[smhdw]$',
} as const satisfies Shape

/** How a wait is written: `now` is none. */
export const waitShape = {
  type: 'string',
  title: 'now, or a length of time, such as 1h, 7d or 2w',
  pattern: '^(?:now|[1-9][0-9]{0,4}[smhdw])$',
} as const satisfies Shape

/** Milliseconds of a text that `durationShape` or `waitShape` allows. */
export function durationOf(text: string): number {
  return Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? 0) || 0
}

/** Writes milliseconds for people in the two biggest units that they have: `2 d 4 h`, `45 s`, `0 s`. */
export function formatSpan(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}
