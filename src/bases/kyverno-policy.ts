import type { Json } from '#core'
import type { AllowedBase, AllowList, BaseSigner } from './allow-list.ts'
import { regexpOfPattern } from './pattern-regexp.ts'

const BASE_NAME = 'org.opencontainers.image.base.name'
const BASE_DIGEST = 'org.opencontainers.image.base.digest'
const WORKLOADS = { any: [{ resources: { kinds: ['Pod'] } }] }

/**
 * An allow-list as a ClusterPolicy of Kyverno 1.10 and later, for a file of JSON, which is YAML: a pod's images say what they were built
 * on, and that is on the list; images of entries with a signer are signed by it and run by digest.
 */
export function formatKyvernoPolicy({ bases }: AllowList, name = 'allowed-bases'): Json {
  const signed = bases.flatMap(({ signer, ...base }) => (signer === undefined ? [] : [{ base, signer }]))
  return {
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: {
      name,
      annotations: {
        'policies.kyverno.io/title': 'Allowed bases',
        'policies.kyverno.io/category': 'Supply Chain Security',
      },
    },
    spec: {
      ...{ validationFailureAction: 'Enforce', background: false, failurePolicy: 'Fail', webhookTimeoutSeconds: 30 },
      rules: [
        {
          name: 'base-on-allow-list',
          match: WORKLOADS,
          validate: {
            message: `{{ element.image }} is built on nothing that the allow-list has (annotation ${BASE_NAME})`,
            foreach: [
              {
                list: 'request.object.spec.[containers, initContainers, ephemeralContainers][]',
                context: [
                  { name: 'image', imageRegistry: { reference: '{{ element.image }}' } },
                  stated('baseName', BASE_NAME),
                  stated('baseDigest', BASE_DIGEST),
                ],
                deny: { conditions: { all: bases.map(unmatched) } },
              },
            ],
          },
        },
        ...signed.map(({ base, signer }, place) => ({
          name: `signed-${place + 1}`,
          match: WORKLOADS,
          verifyImages: [
            {
              imageReferences: [
                `${base.repository}${base.tag === undefined ? '*' : `:${base.tag}*`}`.replaceAll(/\*+/g, '*'),
              ],
              ...{ required: true, verifyDigest: true, mutateDigest: true },
              attestors: [{ entries: [attestor(signer)] }],
            },
          ],
        })),
      ],
    },
  }
}

/** Annotations are in the manifest; an image without them has no base that anybody knows. */
function stated(name: string, annotation: string): Json {
  return { name, variable: { jmesPath: `image.manifest.annotations."${annotation}"`, default: '' } }
}

/** Denied is what every entry leaves unmatched. */
function unmatched({ repository, tag, digests, until }: AllowedBase): Json {
  const names = [regexpOfPattern(repository), ...hubNames(repository)].join('|')
  const tags = tag === undefined || digests.length > 0 ? '(:[^/@]+)?' : `:${regexpOfPattern(tag)}`
  const clauses = [
    `regex_match('^(${names})${tags}(@sha256:[0-9a-f]+)?$', baseName)`,
    ...(digests.length === 0 ? [] : [`contains(\`${JSON.stringify(digests)}\`, baseDigest)`]),
    ...(until === undefined ? [] : [`time_before(time_now_utc(), '${until}T00:00:00Z')`]),
  ]
  return { key: `{{ ${clauses.join(' && ')} }}`, operator: 'Equals', value: false }
}

/** Builders write Docker Hub's images by their short names, too. */
function hubNames(repository: string): readonly string[] {
  const [, path] = /^docker\.io\/(.+)$/.exec(repository) ?? []
  if (path === undefined) return []
  const names = [path, ...(path.startsWith('library/') ? [path.slice('library/'.length)] : [])]
  return names.map(regexpOfPattern)
}

function attestor(signer: BaseSigner): Json {
  if (signer.kind === 'key') return { keys: { publicKeys: signer.pem } }
  return { keyless: { subject: signer.identity, issuer: signer.issuer } }
}
