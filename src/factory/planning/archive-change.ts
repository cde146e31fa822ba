import { faultsOf, formatFault, parseDigest, type Shape } from '#core'
import { FactoryError } from '../errors.ts'
import type { FactoryEvent } from '../event.ts'
import type { ArchiveChange } from '../watching/suite-change.ts'

const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', title: 'a SHA-256 digest' } as const
const word = { type: 'string', pattern: '^[^\\s\\u0000-\\u001f\\u007f]{1,4096}$', title: 'a word' } as const
const state: Shape = { type: 'object', properties: { date: word, digest }, required: ['date', 'digest'] }
const source: Shape = { type: 'object', properties: { name: word, version: word }, required: ['name', 'version'] }
const changeShape: Shape = {
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
export function parseArchiveChange({ id, subject, payload }: FactoryEvent): ArchiveChange {
  const said: unknown = payload
  if (isChange(said)) return { ...said, to: { ...said.to, digest: parseDigest(said.to.digest) } }
  const faults = faultsOf(changeShape, payload).map(formatFault).slice(0, 3)
  throw new FactoryError('EVENT_INVALID', `cannot read event ${id} of ${subject}: ${faults.join('; ')}`)
}

function isChange(payload: unknown): payload is ArchiveChange {
  return faultsOf(changeShape, payload).length === 0
}
