import {
  type BinaryPackage,
  type Dependency,
  formatRelation,
  type PackageRelation,
  parseBinaryPackage,
  parseStanza,
  satisfies,
  splitParagraphs,
} from '#debian'
import type { Merged, ThreeWays } from './merge-settings.ts'
import { REBUILD, type Refusal } from './refusal.ts'

/** A paragraph of dpkg's status: its text without the line that ends it, and what it says where it is installed. */
interface StatusEntry {
  readonly key: string
  readonly text: string
  /** Absent for a package that is known and not installed. */
  readonly installed: BinaryPackage | undefined
}

type Status = ReadonlyMap<string, StatusEntry>

/**
 * Merges dpkg's `status` stanza by stanza: a package that only one side has changed is as that side has it. Sorted by name and
 * architecture, as dpkg writes it. Both sides' changes of one package refuse, and so does a package that lacks in the result what
 * it had on its own side. Throws `CONTROL_INVALID`, `PACKAGE_INVALID` and what else `parseBinaryPackage` throws.
 */
export function mergeStatus(texts: ThreeWays<string>): Merged<string> {
  const [old, application, next] = [
    readStatus(texts.old, 'the old base'),
    readStatus(texts.application, 'the application'),
    readStatus(texts.next, 'the new base'),
  ]
  const merged = new Map<string, StatusEntry>()
  const refusals: Refusal[] = []
  for (const key of [...new Set([...application.keys(), ...next.keys()])].sort()) {
    const ways = { old: old.get(key), application: application.get(key), next: next.get(key) }
    const isConflict = !isSame(ways.old, ways.application) && !isSame(ways.old, ways.next)
    if (isConflict && !isSame(ways.application, ways.next)) refusals.push(bothSides(key, ways))
    const chosen = isSame(ways.old, ways.application) ? ways.next : ways.application
    if (chosen !== undefined) merged.set(key, chosen)
  }
  const value = [...merged.values()].map(({ text }) => `${text}\n\n`).join('')
  return { value, refusals: refusals.length > 0 ? refusals : unmet(merged, { application, next }) }
}

/** Which packages a status says are installed, by `name:architecture`. Throws as `mergeStatus`. */
export function installedPackages(text: string, owner: string): ReadonlyMap<string, BinaryPackage> {
  const found = [...readStatus(text, owner)].flatMap(([key, { installed }]) =>
    installed === undefined ? [] : [[key, installed] as const],
  )
  return new Map(found)
}

function readStatus(text: string, owner: string): Status {
  const entries = splitParagraphs(text).map((paragraph, index): [string, StatusEntry] => {
    const stanza = parseStanza(paragraph, `dpkg's status of ${owner}, paragraph ${index + 1}`)
    const key = `${stanza.get('package') ?? ''}:${stanza.get('architecture') ?? ''}`
    const isInstalled = / installed$/.test(stanza.get('status') ?? '')
    const installed = isInstalled ? parseBinaryPackage(stanza) : undefined
    return [key, { key, text: paragraph.trimEnd(), installed }]
  })
  return new Map(entries)
}

function isSame(left: StatusEntry | undefined, right: StatusEntry | undefined): boolean {
  return left?.text === right?.text
}

function bothSides(key: string, { old, application, next }: ThreeWays<StatusEntry | undefined>): Refusal {
  const base = `${versionOf(old)} → ${versionOf(next)}`
  return {
    code: 'package-both-sides',
    subject: key,
    application: `${versionOf(old)} → ${versionOf(application)}`,
    base,
    remedy: REBUILD,
  }
}

function versionOf(entry: StatusEntry | undefined): string {
  return entry === undefined ? 'absent' : (entry.installed?.version ?? 'not installed')
}

/** Relations that do not hold in the result and did hold on the side that a package is from. */
function unmet(merged: Status, { application, next }: { application: Status; next: Status }): readonly Refusal[] {
  const [all, ofApplication, ofNext] = [new Installed(merged), new Installed(application), new Installed(next)]
  return [...merged.values()].flatMap((entry) => {
    const one = entry.installed
    if (one === undefined) return []
    const isBase = next.get(entry.key)?.text === entry.text
    const own = isBase ? ofNext : ofApplication
    const broken = all.brokenBy(one).filter((relation) => !own.brokenBy(one).includes(relation))
    return broken.map((relation): Refusal => {
      const what = `${one.name} ${one.version} ${relation}`
      const [of, other] = [`${isBase ? "the new base's" : 'its'} ${what}`, 'which does not hold in the result']
      const remedy = `${REBUILD}, so that apt chooses packages that fit`
      const sides = isBase ? { application: other, base: of } : { application: of, base: other }
      return { code: 'dependency-unmet', subject: one.name, ...sides, remedy }
    })
  })
}

/** Packages that are installed together. */
class Installed {
  readonly #byName = new Map<string, { readonly version: string | undefined; readonly by: string }[]>()

  constructor(status: Status) {
    for (const { installed } of status.values()) {
      if (installed === undefined) continue
      this.#add(installed.name, installed.version, installed.name)
      for (const { name, version } of installed.provides) this.#add(name, version, installed.name)
    }
  }

  /** What of a package's relations does not hold, in words. */
  brokenBy(one: BinaryPackage): readonly string[] {
    const missing = [...one.preDepends, ...one.depends].filter((group) => !this.#holds(group))
    const against = [...one.breaks, ...one.conflicts].filter((relation) => this.#stands(relation, one.name))
    return [
      ...missing.map((group) => `depends on ${group.map(formatRelation).join(' | ')}`),
      ...against.map((relation) => `cannot stand beside ${formatRelation(relation)}`),
    ]
  }

  #holds(group: Dependency): boolean {
    return group.some((relation) => this.#stands(relation))
  }

  /** What only is provided without a version satisfies no version (deb-control(5)). */
  #stands({ name, operator, version }: PackageRelation, except?: string): boolean {
    return (this.#byName.get(name) ?? []).some((one) => {
      if (one.by === except) return false
      if (operator === undefined) return true
      return one.version !== undefined && satisfies(one.version, operator, version)
    })
  }

  #add(name: string, version: string | undefined, by: string): void {
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), { version, by }])
  }
}
