import { canonicalJson, type Digest } from '#core'
import type { Annotations } from './annotations.ts'
import { readDigest } from './descriptor.ts'
import { OciError } from './errors.ts'
import { type JsonObject, parseDocument } from './json-document.ts'
import { type Platform, platformJson, readPlatform } from './platform.ts'

/** The defaults that a container of the image runs with (image-spec §config, "config"), in the spec's own spelling. */
export interface ExecutionParameters {
  readonly User?: string
  readonly ExposedPorts?: readonly string[]
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Volumes?: readonly string[]
  readonly WorkingDir?: string
  readonly Labels?: Annotations
  readonly StopSignal?: string
}

/** Takes an entry of `Env` apart, `NAME=value`; one without an equals sign has an empty value. */
export function environmentVariable(entry: string): readonly [name: string, value: string] {
  const at = entry.indexOf('=')
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
}

/** How one layer came to be; an empty one has no entry among the diff ids. */
export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** An image's config (image-spec §config). `diffIds` are digests of the uncompressed layers, lowest first. */
export interface ImageConfig {
  readonly created?: string
  readonly author?: string
  readonly platform: Platform
  readonly config: ExecutionParameters
  readonly diffIds: readonly Digest[]
  readonly history?: readonly HistoryEntry[]
}

/** Reads a config. `name` is what messages call it. Unknown members are tolerated. Throws `DOCUMENT_INVALID`. */
export function parseConfig(bytes: Uint8Array, name = 'image config'): ImageConfig {
  const object = parseDocument(bytes, name)
  const rootfs = object.object('rootfs')
  if (rootfs.text('type') !== 'layers') {
    throw new OciError('DOCUMENT_INVALID', `cannot read ${name}: its rootfs is not made of layers`)
  }
  const config = object.optionalObject('config')
  return {
    ...readTexts(object, ['created', 'author']),
    platform: readPlatform(object),
    config: config ? readParameters(config) : {},
    diffIds: rootfs.texts('diff_ids').map((text) => readDigest(text, `${name}.rootfs.diff_ids`)),
    ...(object.has('history') ? { history: object.objects('history').map(readHistory) } : {}),
  }
}

/** Writes a config: the same bytes for the same value. */
export function formatConfig(image: ImageConfig): Uint8Array {
  const { config, history } = image
  const members = {
    created: image.created,
    author: image.author,
    ...platformJson(image.platform),
    config: { ...config, ExposedPorts: keyed(config.ExposedPorts), Volumes: keyed(config.Volumes) },
    rootfs: { type: 'layers', diff_ids: image.diffIds },
    history: history?.map((entry) => ({ ...entry })),
  }
  return new TextEncoder().encode(canonicalJson(members))
}

function readParameters(object: JsonObject): ExecutionParameters {
  const labels = object.optionalTextMap('Labels')
  const lists = (['Env', 'Entrypoint', 'Cmd'] as const).map((key) => [key, object.optionalTexts(key)] as const)
  const sets = (['ExposedPorts', 'Volumes'] as const).map((key) => {
    const set = object.optionalObject(key)
    return [key, set && [...set.keys()]] as const
  })
  return {
    ...readTexts(object, ['User', 'WorkingDir', 'StopSignal']),
    ...Object.fromEntries([...lists, ...sets].filter(([, value]) => value !== undefined)),
    ...(labels ? { Labels: labels } : {}),
  }
}

function readHistory(object: JsonObject): HistoryEntry {
  const empty = object.optionalFlag('empty_layer')
  return {
    ...readTexts(object, ['created', 'created_by', 'author', 'comment']),
    ...(empty === undefined ? {} : { empty_layer: empty }),
  }
}

function readTexts<Key extends string>(object: JsonObject, keys: readonly Key[]): { readonly [key in Key]?: string } {
  const found: { [key in Key]?: string } = {}
  for (const key of keys) {
    const value = object.optionalText(key)
    if (value !== undefined) found[key] = value
  }
  return found
}

/** A set as the spec writes it: an object whose members are empty objects. JSON keeps it in order of its names. */
function keyed(names: readonly string[] | undefined): Record<string, Record<string, never>> | undefined {
  return names && Object.fromEntries(names.map((name) => [name, {}]))
}
