import { canonicalJson, type Digest, digestOf, type Json } from '#core'
import { FactoryError } from './errors.ts'
import type { Moment } from './moment.ts'

/** What is to be noted for good: an event, a decision, a stage's end, a release, an excuse. */
export interface LedgerNote {
  /** `event`, `plan`, `stage`, `release`, `hold`, `approval`, `finding`, `excuse`. */
  readonly kind: string
  /** What it is about: an image, an advisory, a plan. */
  readonly subject: string
  readonly body: Json
  readonly at: Moment
}

/** A note in its place. `digest` is that of everything else here as canonical JSON, so it stands for all that came before. */
export interface LedgerEntry extends LedgerNote {
  /** From 1, without gaps. */
  readonly sequence: number
  readonly previous: Digest
  readonly digest: Digest
}

/** Where a ledger ends, or ended once. */
export interface LedgerTip {
  readonly sequence: number
  readonly digest: Digest
}

/** Where every ledger begins. */
export const LEDGER_START: LedgerTip = { sequence: 0, digest: digestOf('casemate ledger 1') }

/** Makes the entries that follow on `tip`, one for each note, in order. */
export function chainNotes(tip: LedgerTip, notes: readonly LedgerNote[]): readonly LedgerEntry[] {
  let last = tip
  return notes.map((note) => {
    const entry = { ...note, sequence: last.sequence + 1, previous: last.digest }
    last = { sequence: entry.sequence, digest: entryDigest(entry) }
    return { ...entry, digest: last.digest }
  })
}

/** Holds entries against the chain, one after the other, in constant memory. */
export class LedgerCheck {
  #tip: LedgerTip

  /** Begins behind an entry that is known to be right, or at the beginning. */
  constructor(tip: LedgerTip = LEDGER_START) {
    this.#tip = tip
  }

  /** The last entry that was found right. */
  get tip(): LedgerTip {
    return this.#tip
  }

  /** Throws `LEDGER_BROKEN` unless a checkpoint that is believed says the same of the entry that was last found right. */
  confirm({ sequence, digest }: LedgerTip): void {
    if (sequence === this.#tip.sequence && digest === this.#tip.digest) return
    throw new FactoryError(
      'LEDGER_BROKEN',
      `cannot believe the ledger: its checkpoint has ${digest} for entry ${sequence}, entry ${this.#tip.sequence} is ${this.#tip.digest}`,
    )
  }

  /** Throws `LEDGER_BROKEN` unless the entry is the next one and says what was said when it was made. */
  add(entry: LedgerEntry): void {
    const broken = (reason: string) =>
      new FactoryError('LEDGER_BROKEN', `cannot believe the ledger: ${reason} at entry ${this.#tip.sequence + 1}`)
    if (entry.sequence !== this.#tip.sequence + 1) throw broken(`entry ${entry.sequence} stands`)
    if (entry.previous !== this.#tip.digest) throw broken('the digest of the entry before is another one')
    if (entry.digest !== entryDigest(entry)) throw broken('what is said is not what its digest stands for')
    this.#tip = { sequence: entry.sequence, digest: entry.digest }
  }
}

function entryDigest({ sequence, at, kind, subject, body, previous }: Omit<LedgerEntry, 'digest'>): Digest {
  return digestOf(canonicalJson({ sequence, at, kind, subject, body, previous }))
}
