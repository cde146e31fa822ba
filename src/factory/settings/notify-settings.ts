import type { XStatic } from 'typebox/schema'
import type { DocumentPath, Fault, Shape } from '#core'
import { type Interest, MESSAGE_KINDS } from '../telling/message.ts'
import { POLICY_SEVERITIES } from './severity.ts'

/** Where a secret is kept. */
export type SecretPlace = { readonly environment: string } | { readonly file: string }

/** Who is to be told what, by a webhook. */
export interface Subscription {
  /** `http` or `https`, without user or password. */
  readonly webhook: string
  /** Each signs: two while one takes the place of another. Empty where nothing is signed. */
  readonly secrets: readonly SecretPlace[]
  readonly interest: Interest
  /** Whether its host was named as one that may be on an internal address. */
  readonly mayBeInternal: boolean
}

const name = { type: 'string', title: 'a name, or a pattern with *', minLength: 1, maxLength: 255 } as const
const secret = {
  type: 'string',
  title: 'env:NAME or file:PATH, never the secret itself',
  pattern: '^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$',
  maxLength: 4096,
} as const

/** The section `notify` of `factory.yaml`. */
export const notifyShape = {
  type: 'array',
  title: 'a list of who is told what',
  maxItems: 100,
  items: {
    type: 'object',
    title: 'a webhook with what it is told',
    additionalProperties: false,
    required: ['webhook'],
    properties: {
      webhook: {
        type: 'string',
        title: 'an address: https://hooks.example.org/casemate',
        pattern: '^https?://\\S+$',
        maxLength: 4096,
      },
      secret: {
        title: 'env:NAME or file:PATH, or two of them',
        anyOf: [secret, { type: 'array', items: secret, minItems: 1, maxItems: 2 }],
      },
      images: { type: 'array', title: 'names of images, or patterns with *', items: name, minItems: 1 },
      owners: { type: 'array', title: 'names of owners', items: name, minItems: 1 },
      severity: { enum: POLICY_SEVERITIES, title: 'the least severity that is told' },
      kinds: {
        type: 'array',
        title: `some of ${MESSAGE_KINDS.join(', ')}`,
        items: { enum: MESSAGE_KINDS },
        minItems: 1,
      },
      'allow-internal': {
        type: 'string',
        title: "the webhook's host, where it is on an internal address",
        maxLength: 255,
      },
    },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenNotify = XStatic<typeof notifyShape>

/** What a section that fits the shape says wrongly: addresses that are none, have credentials, or are not the one that is allowed. */
export function notifyFaults(written: WrittenNotify, path: DocumentPath): readonly Fault[] {
  return written.flatMap(({ webhook, 'allow-internal': allowed }, index) => {
    const at = (key: string, message: string): readonly Fault[] => [
      { path: [...path, index, key], at: 'value', message },
    ]
    const url = URL.parse(webhook)
    if (url === null) return at('webhook', 'found no address, want one such as https://hooks.example.org/casemate')
    if (url.username !== '' || url.password !== '')
      return at('webhook', 'found a user or password in the address, want a secret in `secret`')
    if (allowed !== undefined && allowed !== url.hostname)
      return at('allow-internal', `found ${JSON.stringify(allowed)}, want the webhook's host, ${url.hostname}`)
    return []
  })
}

/** What a section without faults says. */
export function subscriptionsOf(written: WrittenNotify = []): readonly Subscription[] {
  return written.map(({ webhook, secret: written, images, owners, severity, kinds, 'allow-internal': allowed }) => ({
    webhook,
    secrets: (typeof written === 'string' ? [written] : (written ?? [])).map(secretPlace),
    interest: {
      ...(images === undefined ? {} : { images }),
      ...(owners === undefined ? {} : { owners }),
      ...(severity === undefined ? {} : { severity }),
      ...(kinds === undefined ? {} : { kinds }),
    },
    mayBeInternal: allowed !== undefined,
  }))
}

function secretPlace(text: string): SecretPlace {
  const value = text.slice(text.indexOf(':') + 1)
  return text.startsWith('env:') ? { environment: value } : { file: value }
}
