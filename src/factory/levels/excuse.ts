import { faultsOf, formatFault, type Shape } from '#core'
import { FactoryError } from '../errors.ts'
import type { LedgerEntry, LedgerNote } from '../ledger.ts'
import type { Moment } from '../moment.ts'

/** A person's word that a finding in an image may take longer than its service level allows. It stands in the ledger for good. */
export interface Excuse {
  readonly image: string
  /** As clocks name it, or its advisory alone, which is of every source package. */
  readonly finding: string
  readonly by: string
  readonly reason: string
  /** From here on it excuses nothing. */
  readonly until: Moment
  readonly given: Moment
}

const word = { type: 'string', title: 'text, not empty', pattern: '\\S', maxLength: 2000 } as const
const shape: Shape = {
  type: 'object',
  properties: { finding: word, by: word, reason: word, until: word },
  required: ['finding', 'by', 'reason', 'until'],
}

/** What the ledger is told of an excuse. */
export function excuseNote({ image, finding, by, reason, until, given }: Excuse): LedgerNote {
  return { kind: 'excuse', subject: image, body: { finding, by, reason, until }, at: given }
}

/** Reads an excuse from the ledger. Throws `LEDGER_INVALID` for an entry of the kind that is none. */
export function excuseOf({ sequence, subject, body, at }: LedgerEntry): Excuse {
  const said: unknown = body
  if (isSaid(said)) return { ...said, image: subject, given: at }
  const faults = faultsOf(shape, body).map(formatFault)
  throw new FactoryError('LEDGER_INVALID', `cannot read the excuse of entry ${sequence}: ${faults.join('; ')}`)
}

function isSaid(body: unknown): body is Pick<Excuse, 'finding' | 'by' | 'reason' | 'until'> {
  return faultsOf(shape, body).length === 0
}
