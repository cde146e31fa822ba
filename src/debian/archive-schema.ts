import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'

const text = <const Title extends string>(title: Title, pattern: string) =>
  ({ type: 'string', title, pattern, maxLength: 4096 }) as const satisfies Shape

const name = text('a name (lowercase letters, digits, . and -)', '^[a-z0-9][a-z0-9.-]*$')
const url = text('a URL that begins with https:// or http://', '^https?://[^\\s?#]+$')
const line = text('text on one line, not empty', '^[^\\u0000-\\u001f\\u007f]+$')

const suite = {
  type: 'object',
  title: 'the keys of a suite',
  additionalProperties: false,
  required: ['suite', 'mirror', 'components', 'identity', 'signed-by'],
  properties: {
    suite: text('the folder of a suite, without ".."', '^(?![/.])(?!.*/\\.)(?!.*//)[A-Za-z0-9._~+/-]+$|^\\./$'),
    mirror: name,
    components: {
      type: 'array',
      title: 'a list of components',
      items: text('a component', '^[A-Za-z0-9][A-Za-z0-9+.-]*(/[A-Za-z0-9+.-]+)*$'),
    },
    identity: {
      type: 'object',
      title: 'at least one of origin, label, codename, suite',
      additionalProperties: false,
      minProperties: 1,
      properties: { origin: line, label: line, codename: line, suite: line },
    },
    'signed-by': { type: 'array', title: 'at least one name of a key', items: name, minItems: 1 },
    'loud-after-hours': { type: 'integer', title: 'a number of hours', minimum: 1 },
    priority: { type: 'integer' },
  },
} as const satisfies Shape

/** The shape of an archive file; `archives/README.md` says what its keys mean. */
export const archiveSchema = {
  type: 'object',
  title: 'the keys of an archive',
  additionalProperties: false,
  required: ['archive', 'description', 'keys', 'mirrors', 'suites'],
  properties: {
    archive: name,
    description: line,
    release: {
      type: 'object',
      title: 'id, version and codename of a release',
      additionalProperties: false,
      required: ['id', 'version', 'codename'],
      properties: { id: line, version: line, codename: line },
    },
    'merged-usr': { enum: ['shipped', 'made', 'none'] },
    keys: {
      type: 'object',
      title: 'keys by name',
      propertyNames: name,
      additionalProperties: {
        type: 'object',
        title: 'file and fingerprint of a key',
        additionalProperties: false,
        required: ['file', 'fingerprint'],
        properties: {
          file: text('a path beside the archive file, without ".."', '^(?![/.])(?!.*/\\.)[A-Za-z0-9._/-]+$'),
          fingerprint: text('a fingerprint of 40 or 64 upper-case hex digits', '^([0-9A-F]{40}|[0-9A-F]{64})$'),
        },
      },
    },
    mirrors: {
      type: 'object',
      title: 'mirrors by kind',
      propertyNames: name,
      additionalProperties: {
        type: 'object',
        title: 'built-in and snapshot of a kind of mirror',
        additionalProperties: false,
        properties: { 'built-in': { type: 'array', items: url }, snapshot: url },
      },
    },
    suites: { type: 'array', title: 'at least one suite', items: suite, minItems: 1 },
  },
} as const satisfies Shape

/** An archive file's value once its shape is checked. */
export type ArchiveDocument = XStatic<typeof archiveSchema>
