import type { XStatic } from 'typebox/schema'
import type { DocumentPath, Fault, Shape } from '#core'
import { durationOf, durationShape } from './duration.ts'
import { folderShape, textShape } from './folder-shape.ts'
import { isLoopback } from './server-settings.ts'

/** What runs where: looked at, never touched. */
export interface InventorySettings {
  /** Milliseconds between two looks. */
  readonly poll: number
  /** Everything that is looked at together: what runs anywhere of an older release is not patched. */
  readonly places: readonly InventoryPlace[]
}

/** A place that says what runs. */
export type InventoryPlace =
  | {
      readonly kind: 'cluster'
      /** Of the API, without a path of it. */
      readonly url: string
      /** A file, read anew at each look, because it is changed all the time; `undefined` for who needs none. */
      readonly token: string | undefined
      /** A file with certificates that are believed, in PEM; `undefined` for the system's. */
      readonly ca: string | undefined
      /** All of them where it is `undefined`. */
      readonly namespaces: readonly string[] | undefined
    }
  /** By the user's own configuration of kubectl; `undefined` for its current context. */
  | { readonly kind: 'kubectl'; readonly context: string | undefined }
  /** YAML and JSON in a folder, or in one of a Git repository. */
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'git'; readonly url: string; readonly branch: string | undefined; readonly path: string }

/** The section `inventory` of `factory.yaml`. */
export const inventoryShape = {
  type: 'object',
  title: 'where it is looked at what runs',
  additionalProperties: false,
  properties: {
    poll: { ...durationShape, description: 'How often it is looked at. Default: 5m.' },
    clusters: {
      type: 'array',
      title: 'a list of clusters',
      maxItems: 1000,
      items: {
        type: 'object',
        title: 'a Kubernetes API',
        additionalProperties: false,
        required: ['url'],
        properties: {
          url: { type: 'string', title: 'an address: https://kubernetes.default.svc', pattern: '^https?://\\S+$' },
          token: { ...textShape, title: 'the file of a token' },
          ca: { ...textShape, title: 'a file of certificates' },
          namespaces: {
            type: 'array',
            title: 'a list of namespaces',
            description: 'Namespaces that are looked at. Default: all.',
            minItems: 1,
            items: { type: 'string', title: 'a namespace', pattern: '^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$' },
          },
        },
      },
    },
    kubectl: {
      type: 'array',
      title: 'a list of contexts',
      description: "Contexts of the user's own configuration; `current` is the one that it is at.",
      items: textShape,
    },
    manifests: {
      type: 'array',
      title: 'a list of folders, or of Git repositories',
      items: folderShape,
    },
  },
} as const satisfies Shape

/** The section as it is written. */
export type WrittenInventory = XStatic<typeof inventoryShape>

/** What a section that fits the shape says wrongly: addresses that are none, and tokens that would be sent in the clear. */
export function inventoryFaults({ clusters = [] }: WrittenInventory, path: DocumentPath): readonly Fault[] {
  return clusters.flatMap(({ url: written, token }, index) => {
    const at = (message: string): readonly Fault[] => [
      { path: [...path, 'clusters', index, 'url'], at: 'value', message },
    ]
    const url = URL.parse(written)
    if (url === null) return at('found no address, want one such as https://kubernetes.default.svc')
    if (url.username !== '' || url.password !== '') return at('found a user or password in the address, want `token`')
    if (url.search !== '' || url.hash !== '') return at('found more than an address and a path')
    const isClear = url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
    return isClear && token !== undefined ? at('found http, which would show the token to others: want https') : []
  })
}

/** What a section without faults says. */
export function inventoryOf({
  poll = '5m',
  clusters = [],
  kubectl = [],
  manifests = [],
}: WrittenInventory = {}): InventorySettings {
  return {
    poll: durationOf(poll),
    places: [
      ...clusters.map(({ url, token, ca, namespaces }) => {
        return { kind: 'cluster', url: url.replace(/\/+$/, ''), token, ca, namespaces } as const
      }),
      ...kubectl.map((name) => ({ kind: 'kubectl', context: name === 'current' ? undefined : name }) as const),
      ...manifests.map((one) => {
        if (typeof one === 'string') return { kind: 'folder', folder: one } as const
        return { kind: 'git', url: one.git, branch: one.branch, path: one.path ?? '.' } as const
      }),
    ],
  }
}
