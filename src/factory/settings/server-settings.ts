import type { XStatic } from 'typebox/schema'
import type { DocumentPath, Fault, Shape } from '#core'
import { isNetwork } from '#oci/registry'

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
  /** Proxies that are believed when they say who asked them; `undefined` where nobody is. */
  readonly proxies: ProxySettings | undefined
  /** Files in PEM; `undefined` where TLS is another's matter. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
}

/** Addresses and networks of proxies, and the header that they set. */
export interface ProxySettings {
  readonly networks: readonly string[]
  readonly header: 'x-forwarded-for' | 'forwarded'
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
    proxies: {
      type: 'array',
      title: 'a list of addresses and networks',
      description: 'Proxies that are believed when they say by a header who asked them. Default: none.',
      minItems: 1,
      maxItems: 100,
      items: {
        type: 'string',
        title: 'an address or a network: 10.0.0.7, 10.0.0.0/8, 2001:db8::/32',
        pattern: '^[0-9a-fA-F.:]+(?:/[0-9]{1,3})?$',
      },
    },
    forwarded: {
      type: 'string',
      title: 'x-forwarded-for, or forwarded',
      description: 'The header that these proxies set; the other one is not read. Default: x-forwarded-for.',
      enum: ['x-forwarded-for', 'forwarded'],
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

/** What a section that fits the shape says wrongly: networks that are none, and a header that nobody is believed to set. */
export function serverFaults({ proxies, forwarded }: WrittenServer, path: DocumentPath): readonly Fault[] {
  const strange = (proxies ?? []).flatMap((network, index): readonly Fault[] => {
    if (isNetwork(network)) return []
    const message = `found ${network}, want an address or a network such as 10.0.0.0/8`
    return [{ path: [...path, 'proxies', index], at: 'value', message }]
  })
  if (forwarded === undefined || proxies !== undefined) return strange
  return [
    { path: [...path, 'forwarded'], at: 'value', message: 'found a header that nobody is to set: want `proxies`' },
  ]
}

/** What the section says, with defaults for what it does not. */
export function serverOf({
  listen = '127.0.0.1:5000',
  url,
  hosts = [],
  reading,
  proxies,
  forwarded = 'x-forwarded-for',
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
    proxies: proxies === undefined ? undefined : { networks: proxies, header: forwarded },
    isOpen: reading === undefined ? isLoopback(host) : reading === 'open',
  }
}

/** Whether a host is this machine, by its name or address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
