import type { Moment } from '#factory'
import { type Html, html } from './html.ts'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** A time between two moments for people, in the largest unit that has two of it: `3 d`, `45 min`. The page's script says it alike. */
export function spanText(milliseconds: number): string {
  const size = Math.max(0, milliseconds)
  const [name, unit] = UNITS.find(([, length]) => size >= 2 * length) ?? ['s', 1000]
  return `${Math.floor(size / unit)} ${name}`
}

/** A moment as people say it, `3 h ago` or `in 3 h`, and exactly for those who point at it. */
export function ago(moment: Moment, now: Moment): Html {
  const milliseconds = Date.parse(now) - Date.parse(moment)
  const text = milliseconds < 0 ? `in ${spanText(-milliseconds)}` : `${spanText(milliseconds)} ago`
  return html`<time datetime="${moment}" title="${moment.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}">${text}</time>`
}

/** For how long something lasts already. */
export function since(moment: Moment, now: Moment): Html {
  return html`<time datetime="${moment}" data-form="since" title="since ${moment.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}">${spanText(Date.parse(now) - Date.parse(moment))}</time>`
}
