import { quote } from '#core'
import type { Quarantined } from './records.ts'

/** Broken records that are named one by one; the rest are counted. */
const NAMED = 50

/** Collects the records of a part that cannot be read. */
export class Quarantine {
  #count = 0
  readonly #first: { place: string; reason: string }[] = []

  /** Leaves a record out: where it stood, and what is wrong with it. Both may come from outside. */
  add(place: string, reason: string): void {
    this.#count++
    if (this.#first.length < NAMED) this.#first.push({ place: printable(place), reason: printable(reason) })
  }

  /** Takes over what another collector has. */
  addAll(other: Quarantined): void {
    this.#count += other.count
    this.#first.push(...other.first.slice(0, NAMED - this.#first.length))
  }

  /** Everything collected so far. */
  get all(): Quarantined {
    return { count: this.#count, first: [...this.#first] }
  }
}

/** Says what was found where something else was wanted. */
export function found(value: unknown, wanted: string): string {
  if (typeof value === 'string') return `found ${quote(value)}, want ${wanted}`
  if (value === undefined) return `${wanted} is missing`
  const kind = value === null ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value
  return `found ${kind}, want ${wanted}`
}

/** A text from outside on one line, without control characters, for terminals. */
export function printable(text: string): string {
  return CONTROL.test(text) ? text.replace(CONTROLS, ' ').trim() : text
}

const CONTROL = /\p{Cc}/u
const CONTROLS = /\p{Cc}+/gu
