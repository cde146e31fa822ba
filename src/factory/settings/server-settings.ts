import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'

/** Where the registry, the API and the status page are, and who may read. */
export interface ServerSettings {
  readonly host: string
  readonly port: number
  /** The address that others know the server by, without a slash at its end; `undefined` where it is where it listens. */
  readonly url: string | undefined
  /** Names that it answers to where reading is open, in small letters, that of `url` among them. */
  readonly hosts: readonly string[]
  /** What was said of reading; where nothing was, `isOpen` follows from where it listens. */
  readonly reading: 'open' | 'token' | undefined
  /** Whether everybody who reaches the API and the page may read. */
  readonly isOpen: boolean
  /** Files in PEM; `undefined` where TLS is another's matter. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
}

const file = { type: 'string', title: 'the path of a file', pattern: '^\\S(?:.*\\S)?$', maxLength: 4096 } as const

/** The section `server` of `factory.yaml`. */
export const serverShape = {
  type: 'object',
  title: 'where the registry, the API and the status page are',
  additionalProperties: false,
  properties: {
    listen: {
      type: 'string',
      title: 'HOST:PORT, e.g. 127.0.0.1:5000 or [::]:5000',
      pattern:
        '^(?:\\[[0-9a-fA-F:]+\\]|[^\\s:/\\[\\]]+):(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$',
      maxLength: 300,
    },
    url: {
      type: 'string',
      title: 'an address without a path: https://images.example.org',
      description:
        'The address that others know the server by, where a proxy stands before it or it listens on all addresses.',
      pattern: '^https?://(?:\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?/?$',
      maxLength: 300,
    },
    hosts: {
      type: 'array',
      title: 'further names that it is known by',
      maxItems: 50,
      items: {
        type: 'string',
        title: 'the name of a host',
        pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$',
        maxLength: 253,
      },
    },
    reading: {
      type: 'string',
      title: 'open, or token',
      description:
        'Whether whoever reaches the API and the page may read, or wants a token; open on loopback where nothing is said.',
      enum: ['open', 'token'],
    },
    tls: {
      type: 'object',
      title: 'certificate and key',
      additionalProperties: false,
      required: ['certificate', 'key'],
      properties: { certificate: file, key: file },
    },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenServer = XStatic<typeof serverShape>

/** What the section says, with defaults for what it does not. */
export function serverOf({
  listen = '127.0.0.1:5000',
  url,
  hosts = [],
  reading,
  tls,
}: WrittenServer = {}): ServerSettings {
  const colon = listen.lastIndexOf(':')
  const host = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const known = url?.replace(/\/$/, '')
  const own = /^https?:\/\/(\[[^\]]+\]|[^:/]+)/.exec(known ?? '')?.slice(1) ?? []
  return {
    ...{ host, port: Number(listen.slice(colon + 1)), url: known, tls },
    hosts: [...new Set([...own, ...hosts].map((name) => name.toLowerCase()))],
    reading,
    isOpen: reading === undefined ? isLoopback(host) : reading === 'open',
  }
}

/** Whether a host is this machine, by its name or address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
