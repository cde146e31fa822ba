import { type BuiltImage, type LockedPackage, pathRules } from '#image'
import { nameOf } from './catalogue.ts'
import { type DiskEntry, type DiskTree, placeIn } from './disk-tree.ts'
import type { UnpackedDeb } from './unpacked.ts'

/** A package of an image with what dpkg-deb and tar make of its .deb. */
export interface PackageOnDisk {
  readonly package: LockedPackage
  readonly deb: UnpackedDeb
}

/** What was found in one image: counts by what they count, and everything that has no explanation. */
export interface Parity {
  readonly counts: ReadonlyMap<string, number>
  readonly faults: readonly string[]
}

const DATABASE = '/var/lib/dpkg'
const SETUID_AND_SETGID = 0o6000

/** Compares an image, as another program has unpacked it, with its packages, as dpkg-deb and tar have unpacked them. */
export function compareImage(built: BuiltImage, image: DiskTree, packages: readonly PackageOnDisk[]): Parity {
  const comparison = new Comparison(built, image)
  for (const one of packages) comparison.comparePackage(one)
  comparison.explainPaths()
  return comparison
}

class Comparison implements Parity {
  readonly counts = new Map<string, number>()
  readonly faults: string[] = []
  readonly #image: DiskTree
  readonly #built: BuiltImage
  /** By path, the effect that changed it. */
  readonly #effects: ReadonlyMap<string, string>
  /** By `PACKAGE PATH`, the rules that were applied to it. */
  readonly #rules = new Map<string, string>()
  /** Derived effects of the image: what they make stands beside the other changes. */
  readonly #derived: ReadonlySet<string>
  /** Paths of the image that were found in a package. */
  readonly #packaged = new Set<string>()

  constructor(built: BuiltImage, image: DiskTree) {
    this.#built = built
    this.#image = image
    this.#effects = new Map(built.assembly.changes.map(({ path, effect }) => [path, effect]))
    this.#derived = new Set(built.derived.map(({ effect }) => effect))
    for (const { package: name, omissions } of built.assembly.members) {
      for (const { path, rule } of omissions) this.#rules.set(`${name} ${path}`, rule)
    }
  }

  comparePackage({ package: locked, deb }: PackageOnDisk): void {
    const names = new Map<number, string>()
    for (const [shipped, want] of deb.data) {
      const path = placeIn(this.#image, shipped)
      this.#count(`shipped ${want.type}`)
      const fault = this.#compareEntry(path, want, locked)
      if (fault !== undefined) this.faults.push(`${nameOf(locked)}: ${shipped}: ${fault}`)
      if (want.type !== 'file' || !this.#image.has(path)) continue
      const first = names.get(want.inode)
      if (first === undefined) names.set(want.inode, path)
      else this.#compareHardlink(first, path, locked)
    }
    this.#compareDatabase(locked, deb)
  }

  /** Gives what is wrong with a path of a package, if anything is. */
  #compareEntry(path: string, want: DiskEntry, locked: LockedPackage): string | undefined {
    const found = this.#image.get(path)
    const effect = this.#effects.get(path)
    const rule = this.#rules.get(`${locked.name} ${path}`)
    if (found === undefined || (effect === undefined && isLeavingOut(rule) && want.type !== 'directory')) {
      const because = effect === undefined ? isLeavingOut(rule) && `rule ${rule}` : `effect ${effect}`
      if (because === false) return 'is not in the image, and no rule or effect says why'
      this.#count(want.type === 'file' ? `left out by ${because}` : `${want.type} left out`)
      return undefined
    }
    this.#packaged.add(path)
    const differences = differencesOf(want, found)
    if (differences.length === 0) {
      this.#count(`equal ${want.type}`)
      return undefined
    }
    if (effect !== undefined) {
      const kind =
        differences.includes('content') || differences.includes('type') ? 'replaced' : 'given another mode or owner'
      this.#count(want.type === 'file' ? `${kind} by effect ${effect}` : `${want.type} changed by an effect`)
      return undefined
    }
    const isSetuidOnly = differences.join() === 'mode' && found.mode === (want.mode & ~SETUID_AND_SETGID)
    if (rule === 'setuid' && isSetuidOnly) {
      this.#count('equal but for setuid or setgid, by rule setuid')
      return undefined
    }
    return `differs in ${differences.join(', ')}, and no rule or effect says why`
  }

  #compareHardlink(first: string, second: string, locked: LockedPackage): void {
    if (this.#effects.has(first) || this.#effects.has(second)) return
    this.#count('hard links')
    if (this.#image.get(first)?.inode === this.#image.get(second)?.inode) return
    this.faults.push(`${nameOf(locked)}: ${second} is no hard link to ${first}`)
  }

  /** The package's own files in dpkg's database are the control files of the .deb, but for what rules left out. */
  #compareDatabase(locked: LockedPackage, { control, data }: UnpackedDeb): void {
    const base = this.#databaseName(locked)
    const placed = new Set([...data.keys()].map((path) => placeIn(this.#image, path)))
    for (const [path, want] of control) {
      if (path === '/control') continue
      const place = `${base}.${path.slice(1)}`
      const found = this.#image.get(place)
      this.#packaged.add(place)
      const rule = this.#rules.get(`${locked.name} ${place}`)
      if (found === undefined && isLeavingOut(rule)) this.#count(`control files left out by rule ${rule}`)
      else if (path === '/md5sums' && found !== undefined) this.#count('lists of MD5 sums')
      else if (found?.content === want.content) this.#count('equal control files')
      else this.faults.push(`${nameOf(locked)}: control file ${path.slice(1)} is not in the image as it is in the .deb`)
    }
    this.#packaged.add(`${base}.list`)
    if (!this.#image.has(`${base}.list`)) this.faults.push(`${nameOf(locked)}: has no list in dpkg's database`)
    if (placed.size === 0) this.faults.push(`${nameOf(locked)}: dpkg-deb found no path in it`)
  }

  #databaseName({ name, architecture }: LockedPackage): string {
    const qualified = `${DATABASE}/info/${name}:${architecture}`
    return this.#image.has(`${qualified}.list`) ? qualified : `${DATABASE}/info/${name}`
  }

  /** Every path of the image comes from a package, an effect, the definition or is part of dpkg's database, as `explain` says. */
  explainPaths(): void {
    const { tree } = this.#built.assembly
    const keys = new Set(this.#built.packages.map(({ name }) => name))
    for (const [path, entry] of this.#image) {
      const origin = tree.get(path)?.origin
      const isDatabase = path === DATABASE || path.startsWith(`${DATABASE}/`) || `${DATABASE}/`.startsWith(`${path}/`)
      if (entry.type === 'other') this.faults.push(`${path}: is neither file, directory nor link`)
      if (path === `${DATABASE}/status`) this.#count('paths of the package database')
      else if (origin === undefined) this.faults.push(`${path}: explain knows no such path`)
      else if (origin.kind !== 'package') this.#countOrigin(path, origin)
      else if (!keys.has(origin.name)) this.faults.push(`${path}: explain names ${origin.name}, which is not selected`)
      else if (this.#packaged.has(path))
        this.#count(path.startsWith(`${DATABASE}/info/`) ? 'paths of the package database' : 'paths of packages')
      else if (isDatabase) this.#count('paths of the package database')
      else this.faults.push(`${path}: explain names package ${origin.name}, which ships no such path`)
    }
    for (const { path } of tree.entries()) {
      if (!this.#image.has(path)) this.faults.push(`${path}: explain knows it, the image has it not`)
    }
  }

  #countOrigin(path: string, origin: { readonly kind: 'effect' | 'definition'; readonly name?: string }): void {
    const effect = this.#effects.get(path)
    if (origin.name !== undefined && this.#derived.has(origin.name)) {
      this.#count('paths of derived effects')
      return
    }
    if (effect === undefined)
      this.faults.push(`${path}: explain names ${origin.kind} ${origin.name ?? ''}, which wrote nothing there`)
    this.#count(effect === 'definition' ? 'paths of the definition' : 'paths of effects')
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}

/** Whether it is a rule that takes a path away: a listed path rule, or another package's Replaces. */
function isLeavingOut(rule: string | undefined): boolean {
  return rule !== undefined && (pathRules.some(({ name }) => name === rule) || / replaces it$/.test(rule))
}

/** In what two entries differ. Directories are shared by packages, so the time of one says nothing. */
function differencesOf(want: DiskEntry, found: DiskEntry): string[] {
  const kinds = [
    'type',
    'content',
    'uid',
    'gid',
    ...(want.type === 'symlink' ? [] : ['mode']),
    ...(want.type === 'directory' ? [] : ['mtime']),
  ] as const
  return kinds.filter((kind) => want[kind as keyof DiskEntry] !== found[kind as keyof DiskEntry])
}
