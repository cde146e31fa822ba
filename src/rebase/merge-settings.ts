import { canonicalJson, type Json } from '#core'
import { REBUILD, type Refusal } from './refusal.ts'

/** A JSON object as configs hold them. */
export type JsonMembers = { readonly [key: string]: Json | undefined }

/** One thing in three states: in the old base, in the application's image, in the new base. */
export interface ThreeWays<Value> {
  readonly old: Value
  readonly application: Value
  readonly next: Value
}

/** What was merged, and where that could not be done. */
export interface Merged<Value> {
  readonly value: Value
  readonly refusals: readonly Refusal[]
}

const MAPS: ReadonlySet<string> = new Set(['Labels'])
/** What the oldest builders wrote of the container that they built in: of no meaning for others. */
const OF_BUILDER: ReadonlySet<string> = new Set(['Hostname', 'Image'])
/** Objects whose members are empty objects: sets of names (image-spec §config). */
const SETS: ReadonlySet<string> = new Set(['ExposedPorts', 'Volumes'])

/**
 * Merges what containers run with (image-spec §config, "config"), of which builders write more than the specification has: each
 * variable, label, port and volume for itself, anything else as a whole. Entrypoint and command go together: who sets an
 * entrypoint drops the base's command.
 */
export function mergeSettings(ways: ThreeWays<JsonMembers>): Merged<JsonMembers> {
  const { old, application, next } = ways
  const refusals: Refusal[] = []
  const merged: Record<string, Json> = {}
  const ownEntrypoint = !isEqual(old['Entrypoint'], application['Entrypoint'])
  for (const key of keysOf(old, application, next)) {
    const of = { old: old[key], application: application[key], next: next[key] }
    const found =
      ownEntrypoint && (key === 'Entrypoint' || key === 'Cmd') ? plain(application[key]) : mergeMember(key, of)
    refusals.push(...found.refusals)
    if (found.value !== undefined && found.value !== null) merged[key] = found.value
  }
  return { value: merged, refusals }
}

/** Merges one value as a whole: who has changed it wins, and both may have changed it to the same. */
export function mergeValue(
  subject: string,
  { old, application, next }: ThreeWays<Json | undefined>,
): Merged<Json | undefined> {
  if (isEqual(application, next) || isEqual(old, next)) return plain(application)
  if (isEqual(old, application)) return plain(next)
  const base = `${textOf(old)} → ${textOf(next)}`
  const remedy = `${REBUILD}, or set it to the same value in both`
  const refusal = { subject, application: textOf(application), base, remedy }
  return { value: application, refusals: [{ code: 'setting-both-sides', ...refusal }] }
}

function mergeMember(key: string, of: ThreeWays<Json | undefined>): Merged<Json | undefined> {
  if (key === 'Env') return mergeEnvironment(of)
  if (OF_BUILDER.has(key)) return plain(of.application)
  if (SETS.has(key)) return mergeSets(of)
  return MAPS.has(key) ? mergeMaps(key, of) : mergeValue(key, of)
}

function mergeEnvironment(of: ThreeWays<Json | undefined>): Merged<Json | undefined> {
  const variables = { old: variablesOf(of.old), application: variablesOf(of.application), next: variablesOf(of.next) }
  const { value, refusals } = mergeEntries('environment variable', variables)
  const lines = [...value].map(([name, text]) => (text === null ? name : `${name}=${text}`))
  return { value: lines.length === 0 ? undefined : lines, refusals }
}

/** By name; a line without `=` has the value null. The last of two lines of one name counts, as for a process. */
function variablesOf(value: Json | undefined): ReadonlyMap<string, Json> {
  const lines = Array.isArray(value) ? value.map(String) : []
  return new Map(
    lines.map((line) => {
      const at = line.indexOf('=')
      return at < 0 ? [line, null] : [line.slice(0, at), line.slice(at + 1)]
    }),
  )
}

function mergeMaps(key: string, of: ThreeWays<Json | undefined>): Merged<Json | undefined> {
  const maps = { old: mapOf(of.old), application: mapOf(of.application), next: mapOf(of.next) }
  const { value, refusals } = mergeEntries(key === 'Labels' ? 'label' : key, maps)
  return { value: value.size === 0 ? undefined : Object.fromEntries(value), refusals }
}

/** Nothing takes a port or volume away, so there is no conflict. */
function mergeSets(of: ThreeWays<Json | undefined>): Merged<Json | undefined> {
  const [old, application, next] = [mapOf(of.old), mapOf(of.application), mapOf(of.next)]
  const names = [...next.keys(), ...[...application.keys()].filter((name) => !old.has(name))]
  return plain(names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, {}])))
}

/** The new base's entries in their order, then what the application adds, in its own. */
function mergeEntries(
  kind: string,
  { old, application, next }: ThreeWays<ReadonlyMap<string, Json>>,
): { value: ReadonlyMap<string, Json>; refusals: readonly Refusal[] } {
  const value = new Map<string, Json>()
  const refusals: Refusal[] = []
  for (const name of new Set([...next.keys(), ...application.keys()])) {
    const ways = { old: old.get(name), application: application.get(name), next: next.get(name) }
    const one = mergeValue(`${kind} ${name}`, ways)
    refusals.push(...one.refusals)
    if (one.value !== undefined) value.set(name, one.value)
  }
  return { value, refusals }
}

function mapOf(value: Json | undefined): ReadonlyMap<string, Json> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map()
  const entries: [string, Json | undefined][] = Object.entries(value)
  return new Map(entries.flatMap(([name, member]) => (member === undefined ? [] : [[name, member] as const])))
}

function plain(value: Json | undefined): Merged<Json | undefined> {
  return { value, refusals: [] }
}

/** Empty lists and objects, null and nothing are one, as builders write them. */
function isEqual(left: Json | undefined, right: Json | undefined): boolean {
  return textOf(left) === textOf(right)
}

function textOf(value: Json | undefined): string {
  const isEmpty = value === undefined || value === null || value === ''
  if (isEmpty || (typeof value === 'object' && Object.keys(value).length === 0)) return 'none'
  return canonicalJson(value)
}

function keysOf(...objects: readonly JsonMembers[]): readonly string[] {
  return [...new Set(objects.flatMap((object) => Object.keys(object)))].sort()
}
