import { type Digest, parseDigest } from '#core'
import type { ClockMark } from '../clock.ts'
import type { Moment } from '../moment.ts'

/** An image reference as it stands somewhere, taken apart. */
export interface NamedImage {
  /** With its registry where one is named. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

/** Takes a reference apart as container engines do, e.g. `host:5000/a/b:1@sha256:…`; `undefined` for what is none. */
export function parseNamedImage(text: string): NamedImage | undefined {
  const [, name = '', hex] =
    /^(?:docker-pullable:\/\/|docker:\/\/)?([^@\s]+)(?:@sha256:([0-9a-f]{64}))?$/.exec(text) ?? []
  // A colon before the last slash is of a port.
  const [, repository = '', tag] = /^((?:[^/]+\/)*[^/:]+)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?$/.exec(name) ?? []
  if (!/^[a-z0-9][a-z0-9.:_/[\]-]*$/i.test(repository) || repository.length > 255) return undefined
  return {
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(hex === undefined ? {} : { digest: parseDigest(`sha256:${hex}`) }),
  }
}

/**
 * Finds the images that documents name: whatever is under a key `image`, as text or as Helm writes it (`repository`, `tag`, `digest`), and in
 * the `images` of a kustomization. Documents that name none give none.
 */
export function imagesNamedIn(document: unknown): readonly NamedImage[] {
  const found: NamedImage[] = []
  const waiting: unknown[] = [document]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (Array.isArray(value)) waiting.push(...value)
    if (!isMap(value)) continue
    for (const [key, member] of Object.entries(value)) {
      const named = key === 'image' ? namedBy(member) : undefined
      if (named !== undefined) found.push(named)
      else if (key === 'images' && Array.isArray(member)) found.push(...member.flatMap((one) => kustomized(one) ?? []))
      else if (typeof member === 'object' && member !== null) waiting.push(member)
    }
  }
  return found
}

function namedBy(value: unknown): NamedImage | undefined {
  if (typeof value === 'string') return parseNamedImage(value)
  return isMap(value) ? assembled(value, ['registry', 'repository', 'tag', 'digest']) : undefined
}

function kustomized(value: unknown): NamedImage | undefined {
  if (!isMap(value)) return typeof value === 'string' ? parseNamedImage(value) : undefined
  const renamed = 'newName' in value ? 'newName' : 'name'
  return assembled(value, ['', renamed, 'newTag', 'digest'])
}

function assembled(
  map: Readonly<Record<string, unknown>>,
  [registry, repository, tag, digest]: readonly [string, string, string, string],
): NamedImage | undefined {
  const text = (key: string, before: string, after: string) => {
    const value = Object.hasOwn(map, key) ? map[key] : undefined
    const known = typeof value === 'number' ? String(value) : value
    return typeof known === 'string' && known !== '' ? `${before}${known}${after}` : ''
  }
  const name = text(repository, '', '')
  return name === ''
    ? undefined
    : parseNamedImage(`${text(registry, '', '/')}${name}${text(tag, ':', '')}${text(digest, '@', '')}`)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A container that runs, by what the cluster says. */
export interface RunningContainer {
  /** `NAMESPACE/POD/CONTAINER`. */
  readonly place: string
  readonly image: NamedImage
}

/**
 * Reads which containers run from a list of pods as the Kubernetes API gives it (`kubectl get pods -A -o json`), initial and ephemeral ones
 * included; `undefined` for what is no such list. The digest is the one that the node pulled.
 */
export function runningContainers(document: unknown): readonly RunningContainer[] | undefined {
  if (!isMap(document) || !Array.isArray(document['items'])) return undefined
  if (document['kind'] !== 'List' && document['kind'] !== 'PodList') return undefined
  return document['items'].flatMap((pod: unknown) => {
    const [metadata, status] = [member(pod, 'metadata'), member(pod, 'status')]
    const place = `${String(member(metadata, 'namespace') ?? '')}/${String(member(metadata, 'name') ?? '')}`
    return ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'].flatMap((key) => {
      const statuses = member(status, key)
      return Array.isArray(statuses) ? statuses.flatMap((one: unknown) => running(one, place)) : []
    })
  })
}

function running(status: unknown, pod: string): readonly RunningContainer[] {
  if (member(member(status, 'state'), 'running') === undefined) return []
  const image =
    parseNamedImage(String(member(status, 'imageID') ?? '')) ?? parseNamedImage(String(member(status, 'image')))
  return image === undefined ? [] : [{ place: `${pod}/${String(member(status, 'name') ?? '')}`, image }]
}

function member(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** An image of ours that was seen somewhere. */
export interface SeenRelease {
  readonly image: string
  /** When what it is was released for the first time. */
  readonly released: Moment
}

/**
 * The marks that follow from what was seen of one image: a finding that was patched by a release has come to `pulled` or `running` when the
 * release was seen, or a later one. For `running` nothing older may be seen beside it, because then the finding still runs.
 * `at` is when it was looked at: not too early, and late by no more than the time between two looks.
 */
export function seenMarks(
  mark: 'pulled' | 'running',
  seen: readonly SeenRelease[],
  marks: readonly ClockMark[],
  at: Moment,
): readonly ClockMark[] {
  const images = new Map<string, Moment>()
  for (const { image, released } of seen) {
    const known = images.get(image)
    const counts = known === undefined || (mark === 'running' ? released < known : released > known)
    if (counts) images.set(image, released)
  }
  const come = new Set(marks.filter((one) => one.mark === mark).map(({ image, finding }) => `${image} ${finding}`))
  return marks
    .filter((one) => one.mark === 'published' && one.at <= (images.get(one.image) ?? ''))
    .filter(({ image, finding }) => !come.has(`${image} ${finding}`))
    .map(({ image, finding }) => ({ image, finding, mark, at }))
}
