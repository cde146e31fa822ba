import { matchesNamePattern } from '#core'
import type { AllowedBase, AllowList } from './allow-list.ts'

/** How an image is asked for, with its registry spelt out. */
export interface BaseName {
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** Whether an image may be built on: by which entry, or why not. */
export type BaseVerdict =
  | { readonly kind: 'allowed'; readonly by: AllowedBase }
  | { readonly kind: 'refused'; readonly reason: string }

const REFERENCE =
  /^(?:([a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?|\[[0-9a-fA-F:]+\](?::[0-9]+)?)\/)?([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/

/**
 * Reads the name of an image as a Dockerfile or an annotation has it: a first part without dot, port and `localhost` is none of a
 * registry, and stands on Docker Hub, whose own images are below `library`. `undefined` for what is no reference.
 */
export function parseBaseName(text: string): BaseName | undefined {
  if (text.length > 1000) return undefined
  const [, first, rest = '', tag, digest] = REFERENCE.exec(text) ?? []
  if (rest === '') return undefined
  const isRegistry = first !== undefined && /[.:]|^localhost$/.test(first)
  if (!isRegistry && first !== undefined && !/^[a-z0-9][a-z0-9-]*$/.test(first)) return undefined
  const path = isRegistry || first === undefined ? rest : `${first}/${rest}`
  const repository = isRegistry ? `${first}/${path}` : `docker.io/${path.includes('/') ? path : `library/${path}`}`
  return { repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest }
}

/**
 * Holds the name of an image against an allow-list; the first entry that allows it counts. `today` is YYYY-MM-DD, UTC. Who has signed
 * it is not asked here: that wants the registry.
 */
export function judgeBase({ bases }: AllowList, name: BaseName, today: string): BaseVerdict {
  const ofRepository = bases.filter(({ repository }) => matchesNamePattern(repository, name.repository))
  const shown = `${name.repository}${name.tag === undefined ? '' : `:${name.tag}`}`
  if (ofRepository.length === 0) return { kind: 'refused', reason: `${shown} is not on the allow-list` }
  const reasons = new Set<string>()
  for (const base of ofRepository) {
    const reason = refusalOf(base, name, today)
    if (reason === undefined) return { kind: 'allowed', by: base }
    reasons.add(`${base.place}: ${reason}`)
  }
  return { kind: 'refused', reason: `${shown} is not allowed: ${[...reasons].join('; ')}` }
}

function refusalOf({ tag, digests, until }: AllowedBase, name: BaseName, today: string): string | undefined {
  if (until !== undefined && until <= today) return `it was until ${until}`
  if (digests.length > 0) {
    if (name.digest === undefined) return 'only some digests are, and none is named'
    return digests.includes(name.digest) ? undefined : `${name.digest} is none of its digests`
  }
  if (tag === undefined) return undefined
  if (name.tag === undefined) return `only the tags ${tag} are, and none is named`
  return matchesNamePattern(tag, name.tag) ? undefined : `only the tags ${tag} are`
}
