import { type BinaryPackage, type DebEntry, type InstalledPackage, satisfies } from '#debian'
import { conffileSums, conffilesOf, judgeConffile, md5Of } from './conffiles.ts'
import { putDatabaseFiles } from './database-files.ts'
import { type DpkgSettings, divertedPath, isFilteredOut } from './dpkg-settings.ts'
import { PatchError } from './errors.ts'
import type { NewerPackage, PackageEntry } from './newer-package.ts'
import { packageKey } from './package-state.ts'
import type { PatchedTree } from './patched-tree.ts'

/** A configuration file that somebody changed: it stays, and what the package ships lies beside it. */
export interface KeptConffile {
  readonly package: string
  readonly path: string
  readonly beside: string
}

/** Which packages own a path, by the path where it lies. */
export class PathOwners {
  readonly #owners = new Map<string, Set<InstalledPackage>>()

  add(path: string, owner: InstalledPackage): void {
    const owners = this.#owners.get(path)
    if (owners === undefined) this.#owners.set(path, new Set([owner]))
    else owners.add(owner)
  }

  drop(path: string, owner: InstalledPackage): void {
    this.#owners.get(path)?.delete(owner)
  }

  others(path: string, owner: InstalledPackage): readonly InstalledPackage[] {
    return [...(this.#owners.get(path) ?? [])].filter((one) => one !== owner)
  }
}

/** Where packages are put into. */
export interface PatchSite {
  readonly tree: PatchedTree
  readonly owners: PathOwners
  readonly settings: DpkgSettings
  /** Paths that a package no longer owns because a newer one replaces them, by `packageKey`. */
  readonly taken: Map<string, Set<string>>
}

/** A package's configuration files as dpkg's database notes them. */
export interface PutPackage {
  /** Lines of the field `Conffiles`. */
  readonly conffiles: readonly string[]
  readonly kept: readonly KeptConffile[]
}

/**
 * Puts a newer package in an older one's place, as `dpkg --unpack` does with its files: configuration files that were changed
 * stay, diversions, overrides and filters hold, what only the older one had goes, and dpkg's database says so. No maintainer
 * script runs. Throws `PATCH_CONFLICT` for a path that another package has, or that is a folder.
 */
export function putPackage(newer: NewerPackage, site: PatchSite): PutPackage {
  return new PackagePutting(newer, site).run()
}

class PackagePutting {
  readonly #newer: NewerPackage
  readonly #site: PatchSite
  readonly #before: ReadonlyMap<string, string>
  readonly #conffiles: ReadonlySet<string>
  readonly #noted: string[] = []
  readonly #kept: KeptConffile[] = []
  /** Where the package's paths lie. */
  readonly #places = new Set<string>()
  /** By the path that the .deb names, where its file was put. */
  readonly #files = new Map<string, PackageEntry>()

  constructor(newer: NewerPackage, site: PatchSite) {
    this.#newer = newer
    this.#site = site
    this.#before = conffileSums(newer.status.get('conffiles'))
    this.#conffiles = new Set(conffilesOf(newer.files.get('conffiles')))
  }

  run(): PutPackage {
    const { entries, installed } = this.#newer
    for (const entry of entries) this.#put(entry)
    const obsolete = this.#removeOlder()
    putDatabaseFiles(this.#newer, obsolete, this.#site.tree)
    for (const path of this.#places) this.#site.owners.add(path, installed)
    return { conffiles: this.#noted, kept: this.#kept }
  }

  #put(entry: PackageEntry): void {
    const { tree, settings } = this.#site
    if (entry.path === '/') return
    const path = this.#placeOf(entry)
    this.#places.add(path)
    if (entry.type === 'file') this.#files.set(entry.path, entry)
    if (isFilteredOut(entry, settings.filters)) return
    const here = tree.get(path)
    // A folder, or a link to one, stays as it is, whatever the package ships there.
    if (entry.type === 'directory' && tree.leadsToFolder(path)) return
    if (entry.type === 'symlink' && here?.type === 'directory') return
    if (here?.type === 'directory') throw this.#conflict(path, 'it is a folder there')
    this.#takeOver(path, entry)
    if (this.#conffiles.has(entry.path) && entry.type === 'file') this.#putConffile(path, entry)
    else tree.put(this.#headerOf(path, entry))
  }

  #placeOf({ path, type }: DebEntry): string {
    const { tree, settings } = this.#site
    const { name } = this.#newer.installed
    return tree.canonical(type === 'directory' ? path : divertedPath(path, name, settings))
  }

  /** Of two packages with one path, the one that says `Replaces` has it; another architecture's of one version shares it. */
  #takeOver(path: string, entry: PackageEntry): void {
    if (entry.type === 'directory') return
    const { owners, taken } = this.#site
    const { installed, package: own } = this.#newer
    for (const other of owners.others(path, installed)) {
      if (other.name === installed.name) continue
      if (!replaces(this.#newer, other)) {
        throw this.#conflict(path, `${other.name} ${other.version} has it, and ${own.version} says no Replaces`)
      }
      owners.drop(path, other)
      const lost = taken.get(packageKey(other)) ?? new Set<string>()
      taken.set(packageKey(other), lost.add(path))
    }
  }

  #putConffile(path: string, entry: PackageEntry): void {
    const { tree } = this.#site
    const content = entry.content ?? new Uint8Array()
    const here = tree.read(path)
    const now = md5Of(content)
    this.#noted.push(`${entry.path} ${now}`)
    const verdict = judgeConffile(here && md5Of(here), this.#before.get(entry.path), now)
    // Owner and mode are those of the file that is there: somebody may have closed it.
    const file = tree.get(path)
    const rights = file === undefined ? {} : { mode: file.mode, uid: file.uid, gid: file.gid }
    if (verdict === 'put') tree.put({ ...this.#headerOf(path, entry), ...rights })
    if (verdict !== 'keep-beside') return
    const beside = `${path}.dpkg-dist`
    tree.put({ ...this.#headerOf(beside, entry), ...rights })
    this.#kept.push({ package: this.#newer.installed.name, path: entry.path, beside })
  }

  #headerOf(path: string, entry: PackageEntry) {
    const { users, groups } = this.#site.settings.accounts
    const override = this.#site.settings.overrides.get(entry.path)
    const { mode, mtime, uname, gname } = entry
    const owner = { uid: users.get(uname) ?? entry.uid, gid: groups.get(gname) ?? entry.gid }
    const header = { path, mode, mtime, xattrs: entry.xattrs, ...owner, ...override }
    if (entry.type !== 'hardlink') {
      const { type, linkPath, content } = entry
      return { ...header, type, linkPath, ...(content === undefined ? {} : { content }) }
    }
    const file = this.#files.get(entry.linkPath)
    const target = this.#site.tree.canonical(entry.linkPath)
    // A file that was left out, or that stayed another, is no name to link to.
    const isThere = file !== undefined && this.#site.tree.read(target) === file.content
    if (isThere) return { ...header, type: 'hardlink' as const, linkPath: target }
    return { ...header, type: 'file' as const, content: file?.content ?? new Uint8Array() }
  }

  /** Takes away what only the older package had; gives its configuration files that the newer one lacks, which stay. */
  #removeOlder(): readonly string[] {
    const { tree, owners, settings } = this.#site
    const { installed } = this.#newer
    const older = new Map(
      installed.paths.map((path) => [tree.canonical(divertedPath(path, installed.name, settings)), path]),
    )
    const gone = [...older]
      .filter(([place]) => !this.#places.has(place))
      .sort(([one], [other]) => (one < other ? 1 : -1))
    const obsolete: string[] = []
    for (const place of older.keys()) owners.drop(place, installed)
    for (const [place, path] of gone) {
      const here = tree.get(place)
      if (here === undefined || place === '' || owners.others(place, installed).length > 0) continue
      const sum = this.#before.get(path)
      if (sum !== undefined) {
        obsolete.push(path)
        this.#noted.push(`${path} ${sum} obsolete`)
      } else if (here.type !== 'directory' || tree.isEmpty(place)) tree.remove(place)
    }
    return obsolete
  }

  #conflict(path: string, reason: string): PatchError {
    const { installed, package: own } = this.#newer
    return new PatchError(
      'PATCH_CONFLICT',
      `cannot put ${path} of ${installed.name} ${own.version} into the image: ${reason}`,
    )
  }
}

function replaces({ package: own }: NewerPackage, other: BinaryPackage): boolean {
  return own.replaces.some(
    ({ name, operator, version }) => name === other.name && satisfies(other.version, operator, version),
  )
}
