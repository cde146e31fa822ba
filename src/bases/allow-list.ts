import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, parseYaml, placeFaults, reportFaults, type Shape } from '#core'
import { BasesError } from './errors.ts'

/** By whom an image has to be signed. */
export type BaseSigner =
  | { readonly kind: 'key'; readonly pem: string }
  | { readonly kind: 'identity'; readonly identity: string; readonly issuer: string }

/** Images that others may build on. */
export interface AllowedBase {
  /** A pattern of repositories, `registry.example.org/base/*`; one star is a part of a path, two are any. */
  readonly repository: string
  /** A pattern of tags; any where this is absent. */
  readonly tag: string | undefined
  /** The only digests that count; any where this is empty. */
  readonly digests: readonly string[]
  readonly signer: BaseSigner | undefined
  /** From this day on it allows nothing, YYYY-MM-DD, UTC. */
  readonly until: string | undefined
  readonly reason: string
  /** `FILE:LINE`. */
  readonly place: string
}

/** What a team may build on. */
export interface AllowList {
  readonly bases: readonly AllowedBase[]
}

const FILE_LENGTH = 1 << 19
const text = { type: 'string', title: 'text, not empty', pattern: '\\S', maxLength: 1000 } as const

const allowListShape = {
  type: 'object',
  title: 'a file with `bases`',
  additionalProperties: false,
  required: ['bases'],
  properties: {
    bases: {
      type: 'array',
      title: 'a list of bases',
      minItems: 1,
      items: {
        type: 'object',
        title: 'a base',
        additionalProperties: false,
        required: ['image', 'reason'],
        properties: {
          image: {
            type: 'string',
            title: 'a pattern REGISTRY/REPOSITORY[:TAG], with stars',
            pattern: '^[a-zA-Z0-9.*-]+(:[0-9]+)?(/[a-z0-9._*-]+)+(:[A-Za-z0-9._*-]+)?$',
            maxLength: 400,
          },
          digests: {
            type: 'array',
            title: 'a list of digests',
            items: { type: 'string', title: 'sha256:<64 hex digits>', pattern: '^sha256:[0-9a-f]{64}$' },
          },
          signer: {
            type: 'object',
            title: 'a key, or an identity with its issuer',
            additionalProperties: false,
            properties: {
              key: { type: 'string', title: 'a public key in PEM', pattern: '^-----BEGIN PUBLIC KEY-----' },
              identity: text,
              issuer: { type: 'string', title: 'an https URL', pattern: '^https://\\S+$' },
            },
          },
          until: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', title: 'a day as YYYY-MM-DD' },
          reason: text,
        },
      },
    },
  },
} as const satisfies Shape

type AllowListFile = XStatic<typeof allowListShape>
type WrittenBase = AllowListFile['bases'][number]

/** Reads an allow-list, `allow.yaml`. Throws `ALLOW_LIST_INVALID`, naming the lines. */
export function parseAllowList(content: string, file: string): AllowList {
  const intent = 'cannot read allow-list'
  if (content.length > FILE_LENGTH) throw invalid(`${intent} ${file}: it is longer than ${FILE_LENGTH} characters`)
  const document = parseYaml(content)
  if (!('value' in document)) throw invalid(reportFaults(intent, file, document))
  const { value } = document
  const shapeFaults = faultsOf(allowListShape, value)
  const faults = isAllowListFile(value, shapeFaults) ? value.bases.flatMap(baseFaults) : shapeFaults
  if (!isAllowListFile(value, shapeFaults) || faults.length > 0) {
    throw invalid(reportFaults(intent, file, placeFaults(faults, document), faults.length))
  }
  return {
    bases: value.bases.map((written, index) => ({
      ...splitPattern(written.image),
      digests: written.digests ?? [],
      signer: signerOf(written),
      ...{ until: written.until, reason: written.reason },
      place: `${file}:${document.locate(['bases', index], 'value').line}`,
    })),
  }
}

/** A colon behind the last slash begins the tag; another one, a port. */
function splitPattern(image: string): Pick<AllowedBase, 'repository' | 'tag'> {
  const colon = image.indexOf(':', image.lastIndexOf('/'))
  return colon < 0
    ? { repository: image, tag: undefined }
    : { repository: image.slice(0, colon), tag: image.slice(colon + 1) }
}

function signerOf({ signer }: WrittenBase): BaseSigner | undefined {
  if (signer?.key !== undefined) return { kind: 'key', pem: signer.key }
  if (signer?.identity === undefined || signer.issuer === undefined) return undefined
  return { kind: 'identity', identity: signer.identity, issuer: signer.issuer }
}

function baseFaults({ signer, until }: WrittenBase, index: number): readonly Fault[] {
  const faults: Fault[] = []
  const fault = (key: string, message: string) => {
    faults.push({ path: ['bases', index, key], at: 'value', message })
  }
  if (signer !== undefined) {
    const { key, identity, issuer } = signer
    const isWhole = key === undefined ? identity !== undefined && issuer !== undefined : !(identity || issuer)
    if (!isWhole) fault('signer', 'want a key, or an identity with its issuer')
  }
  const time = Date.parse(until ?? '2000-01-01')
  // A 31 February is parsed, and gives another day.
  if (until !== undefined && (Number.isNaN(time) || !new Date(time).toISOString().startsWith(until))) {
    fault('until', `found ${until}, want a day that exists`)
  }
  return faults
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isAllowListFile(_value: unknown, faults: readonly Fault[]): _value is AllowListFile {
  return faults.length === 0
}

function invalid(message: string): BasesError {
  return new BasesError('ALLOW_LIST_INVALID', message)
}
