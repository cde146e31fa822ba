import { type Digest, faultsOf, formatFault, parseDigest, type Shape } from '#core'
import type { DebVersion } from '#debian'
import { FactoryError } from '../errors.ts'
import type { FactoryEvent } from '../event.ts'
import type { Moment } from '../moment.ts'

/** A package that two states of a suite have in different versions; without `to` the suite has it no more. */
export interface PackageMove {
  readonly name: string
  /** Debian's names. */
  readonly architectures: readonly string[]
  readonly from?: DebVersion
  readonly to?: DebVersion
  /** The source package of the newer state. */
  readonly source: { readonly name: string; readonly version: DebVersion }
}

/** What an event of the kind `archive-changed` says, as far as plans need it. */
export interface SuiteMove {
  readonly archive: string
  readonly suite: string
  /** The state before; absent where the suite was looked at for the first time. */
  readonly from?: SuiteState
  readonly to: SuiteState
  readonly packages: readonly PackageMove[]
}

/** A state of a suite: its signed Date, and the digest of its InRelease file. */
export interface SuiteState {
  readonly date: Moment
  readonly digest: Digest
}

const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', title: 'a SHA-256 digest' } as const
const word = { type: 'string', pattern: '^[^\\s\\u0000-\\u001f\\u007f]{1,4096}$', title: 'a word' } as const
const state: Shape = { type: 'object', properties: { date: word, digest }, required: ['date', 'digest'] }
const source: Shape = { type: 'object', properties: { name: word, version: word }, required: ['name', 'version'] }
const moveShape: Shape = {
  type: 'object',
  title: 'a change of an archive',
  properties: {
    archive: word,
    suite: word,
    from: state,
    to: state,
    packages: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: word, architectures: { type: 'array', items: word }, from: word, to: word, source },
        required: ['name', 'architectures', 'source'],
      },
    },
  },
  required: ['archive', 'suite', 'to', 'packages'],
}

/** Reads what an event of an archive says, believing nothing. Throws `EVENT_INVALID`. */
export function parseArchiveChange({ id, subject, payload }: FactoryEvent): SuiteMove {
  const said: unknown = payload
  if (isMove(said)) return { ...said, to: { ...said.to, digest: parseDigest(said.to.digest) } }
  const faults = faultsOf(moveShape, payload).map(formatFault).slice(0, 3)
  throw new FactoryError('EVENT_INVALID', `cannot read event ${id} of ${subject}: ${faults.join('; ')}`)
}

function isMove(payload: unknown): payload is SuiteMove {
  return faultsOf(moveShape, payload).length === 0
}
