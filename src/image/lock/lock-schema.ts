import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'

const text = <const Title extends string>(title: Title, pattern: string) =>
  ({ type: 'string', title, pattern, maxLength: 4096 }) as const satisfies Shape

const digest = text('a digest: sha256: and 64 hex digits', '^sha256:[0-9a-f]{64}$')
const name = text('a package name', '^[a-z0-9][a-z0-9+.-]+$')
const version = text('a Debian version', '^[0-9][A-Za-z0-9.+~:-]*$')
const label = text('a name', '^[a-z0-9][A-Za-z0-9._/+-]*$')
const word = text('text on one line', '^[^\\u0000-\\u001f\\u007f]*$')
const instant = text('a time: YYYY-MM-DDTHH:MM:SSZ', '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{3})?Z$')
const variant = text('a variant name', '^[a-z][a-z0-9-]{0,31}$')
const platform = text('an OCI platform', '^[a-z0-9]+/[a-z0-9]+(?:/v[0-9]+)?$')
const size = { type: 'integer', title: 'a number of bytes', minimum: 0 } as const
const filename = text(
  'a path below the archive\'s root, without ".."',
  '^(?:(?!\\.{1,2}/)[A-Za-z0-9.+~:_%=@,-]+/)+[A-Za-z0-9.+~:_%=@,-]+\\.deb$',
)

const lockedPackage = {
  type: 'object',
  title: 'a package',
  additionalProperties: false,
  required: [
    ...(['name', 'version', 'architecture', 'archive', 'suite', 'filename', 'size', 'digest', 'source'] as const),
    'layers',
  ],
  properties: {
    name,
    version,
    architecture: text('an architecture', '^[a-z0-9][a-z0-9-]*$'),
    archive: label,
    suite: label,
    filename,
    size,
    digest,
    source: {
      type: 'object',
      title: 'a source package',
      additionalProperties: false,
      required: ['name', 'version'],
      properties: { name, version },
    },
    layers: {
      type: 'object',
      title: 'variants with layer numbers',
      propertyNames: variant,
      additionalProperties: { type: 'integer', title: 'a layer number', minimum: 0, maximum: 126 },
    },
  },
} as const satisfies Shape

const derivedResult = {
  type: 'object',
  title: 'the result of a derived effect',
  additionalProperties: false,
  required: ['effect', 'variant', 'digest', 'size'],
  properties: { effect: label, variant, digest, size },
} as const satisfies Shape

const observedSuite = {
  type: 'object',
  title: 'the state of a suite',
  additionalProperties: false,
  required: ['archive', 'suite', 'codename', 'suiteField', 'date', 'inRelease', 'signers', 'expired', 'stale'],
  properties: {
    archive: label,
    suite: label,
    codename: word,
    suiteField: word,
    date: instant,
    validUntil: instant,
    inRelease: digest,
    signers: { type: 'array', items: text('a key fingerprint', '^[0-9A-F]{40,64}$') },
    expired: { type: 'boolean' },
    stale: { type: 'boolean' },
  },
} as const satisfies Shape

/** The shape of `casemate.lock`. */
export const lockSchema = {
  type: 'object',
  title: 'the keys of a lock',
  additionalProperties: false,
  required: ['version', 'format', 'image', 'definitions', 'observed', 'platforms'],
  properties: {
    version: { type: 'integer', minimum: 1 },
    format: { type: 'integer', minimum: 1 },
    image: word,
    definitions: { type: 'object', title: 'digests by variant', propertyNames: variant, additionalProperties: digest },
    base: {
      type: 'object',
      title: 'the base with its lock',
      additionalProperties: false,
      required: ['from', 'lock'],
      // The lock in it is looked at by itself, as any lock.
      properties: { from: word, lock: { type: 'object', title: 'a lock' } },
    },
    observed: { type: 'array', items: observedSuite },
    platforms: {
      type: 'object',
      title: 'packages by platform',
      propertyNames: platform,
      additionalProperties: {
        type: 'object',
        title: 'packages and derived results',
        additionalProperties: false,
        required: ['packages', 'derived'],
        properties: {
          packages: { type: 'array', items: lockedPackage },
          derived: { type: 'array', items: derivedResult },
        },
      },
    },
  },
} as const satisfies Shape

/** A lock file's value once its shape is checked. */
export type LockDocument = XStatic<typeof lockSchema>
