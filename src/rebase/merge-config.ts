import { canonicalJson, type Digest, type Json } from '#core'
import { ANNOTATIONS, type HistoryEntry, type ImageConfig, type ImageDocument } from '#oci'
import { type JsonMembers, type Merged, mergeSettings, mergeValue, type ThreeWays } from './merge-settings.ts'

/** A config as parsed, and as it stands: builders write more members than image-spec has, and none may get lost. */
export interface WrittenConfig {
  readonly config: ImageConfig
  readonly configDocument: ImageDocument
}

/** The new base, as the result names it. */
export interface BaseName {
  readonly digest: Digest
  /** A reference that registries know; absent where there is none. */
  readonly name?: string
}

/** A config whose layers are not known yet. */
export type ConfigBefore = JsonMembers

/**
 * Merges three configs (image-spec §config). Members that image-spec does not have are the application's. It is as new as the
 * newer of application and new base, so that equal inputs give equal bytes.
 */
export function mergeConfigs(ways: ThreeWays<WrittenConfig>, base: BaseName): Merged<ConfigBefore> {
  const { old, application, next } = ways
  const all = { old: membersOf(old), application: membersOf(application), next: membersOf(next) }
  const settings = mergeSettings({
    old: objectOf(all.old['config']),
    application: objectOf(all.application['config']),
    next: objectOf(all.next['config']),
  })
  const author = mergeValue('author', {
    old: all.old['author'],
    application: all.application['author'],
    next: all.next['author'],
  })
  const history = mergeHistory({ old: old.config, application: application.config, next: next.config })
  const { history: _history, rootfs: _rootfs, author: _author, created: _created, ...rest } = all.application
  const created = later(application.config.created, next.config.created)
  const value: ConfigBefore = {
    ...rest,
    ...(author.value === undefined ? {} : { author: author.value }),
    ...(created === undefined ? {} : { created }),
    config: withBaseLabels(settings.value, { old: all.old, application: all.application, base }),
    ...(history === undefined ? {} : { history: history.map((entry) => ({ ...entry })) }),
  }
  return { value, refusals: [...settings.refusals, ...author.refusals] }
}

/** The bytes of a config, once its layers are known; `extra` is what made a layer that is added on top. */
export function finishConfig(before: ConfigBefore, diffIds: readonly Digest[], extra?: HistoryEntry): Uint8Array {
  const { history } = before
  const entries = extra === undefined || !Array.isArray(history) ? history : [...history, { ...extra }]
  const rootfs = { type: 'layers', diff_ids: diffIds }
  return new TextEncoder().encode(canonicalJson({ ...before, history: entries, rootfs }))
}

/**
 * The new base's history, then what the application has added to the old one's. `undefined` where one of them does not say of
 * every layer how it came to be: half a history would be about other layers.
 */
function mergeHistory({ old, application, next }: ThreeWays<ImageConfig>): readonly HistoryEntry[] | undefined {
  if (!isWhole(application) || !isWhole(next)) return undefined
  const entries = application.history ?? []
  const below = old.history ?? []
  const isKept = below.every((entry, index) => canonicalJson({ ...entry }) === canonicalJson({ ...entries[index] }))
  const first = isKept && isWhole(old) ? below.length : placeAfter(entries, old.diffIds.length)
  return [...(next.history ?? []), ...entries.slice(first)]
}

/** The place in a history behind so many layers. */
function placeAfter(entries: readonly HistoryEntry[], layers: number): number {
  let left = layers
  const place = entries.findIndex((entry) => left === 0 || (entry.empty_layer !== true && left-- === 0))
  return place < 0 ? entries.length : place
}

function isWhole({ history = [], diffIds }: ImageConfig): boolean {
  return history.filter((entry) => entry.empty_layer !== true).length === diffIds.length
}

/** The label form of what annotations say of the base: kept right where the application has it. */
function withBaseLabels(
  settings: JsonMembers,
  { old, application, base }: { old: JsonMembers; application: JsonMembers; base: BaseName },
): JsonMembers {
  const [before, own] = [labelsOf(old), labelsOf(application)]
  const states = [ANNOTATIONS.baseName, ANNOTATIONS.baseDigest].some((key) => own[key] !== before[key])
  if (!states) return settings
  const { [ANNOTATIONS.baseName]: _name, [ANNOTATIONS.baseDigest]: _digest, ...labels } = objectOf(settings['Labels'])
  const stated = { [ANNOTATIONS.baseDigest]: base.digest, ...(base.name ? { [ANNOTATIONS.baseName]: base.name } : {}) }
  return { ...settings, Labels: { ...labels, ...stated } }
}

function labelsOf(members: JsonMembers): JsonMembers {
  return objectOf(objectOf(members['config'])['Labels'])
}

function later(left: string | undefined, right: string | undefined): string | undefined {
  if (left === undefined || right === undefined) return left ?? right
  return Date.parse(left) >= Date.parse(right) ? left : right
}

/** The document was parsed strictly before: it is an object, and no key stands in it twice. */
function membersOf({ configDocument }: WrittenConfig): JsonMembers {
  return objectOf(JSON.parse(Buffer.from(configDocument.bytes).toString('utf8')))
}

function objectOf(value: Json | undefined): JsonMembers {
  if (typeof value !== 'object' || value === null || isList(value)) return {}
  return value
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
