import { type DpkgDatabase, type InstalledPackage, isDatabasePath, readDpkgDatabase } from '#debian'
import type { ImageFile, ImageFiles } from '#oci'
import { dropFromList } from './database-files.ts'
import { divertedPath, isSettingsPath, readDpkgSettings } from './dpkg-settings.ts'
import { PatchError } from './errors.ts'
import type { NewerPackage } from './newer-package.ts'
import { packageKey } from './package-state.ts'
import { PatchedTree, type PutEntry } from './patched-tree.ts'
import { type KeptConffile, PathOwners, putPackage } from './put-package.ts'
import { paragraphsOf, rewriteStatus, STATUS_PATH as STATUS } from './status-file.ts'
import { isCertificatePath, refreshTrustStore, type TrustChanges } from './trust-store.ts'

/** Where an image says which release it is. */
export const OS_RELEASE: readonly string[] = ['/etc/os-release', '/usr/lib/os-release']

/** Configuration files are compared with what packages shipped; larger ones are not held. */
const MAX_CONFFILE = 2 ** 24

/** Whether a patch reads a file's content: dpkg's database, its settings, and what may be a configuration file. */
export function isPatchPath({ path, size }: Pick<ImageFile, 'path' | 'size'>): boolean {
  if (isDatabasePath(path) || isSettingsPath(path) || OS_RELEASE.includes(path)) return true
  if (isCertificatePath(path)) return size <= MAX_CONFFILE
  return path.startsWith('/etc/') && size <= MAX_CONFFILE
}

/** An image as dpkg sees it. */
export interface DpkgImage {
  readonly files: ImageFiles
  readonly packages: readonly InstalledPackage[]
  readonly status: string
  /** `packageKey` of those that are on hold. */
  readonly held: ReadonlySet<string>
  /** Lines of what could not be read of the database. */
  readonly faults: readonly string[]
}

/** Reads dpkg's database of an image. Throws `PATCH_UNSUPPORTED` where it has none, and as `readDpkgDatabase` does. */
export function readDpkgImage(files: ImageFiles): DpkgImage {
  const paths = [...files.entries()].map(({ path }) => path)
  const database: DpkgDatabase = readDpkgDatabase({ paths: () => paths, read: (path) => files.read(path) })
  const status = files.read(STATUS)
  if (status === undefined) {
    const reason = database.packages.length > 0 ? 'its package database is in the form of status.d' : 'it has no dpkg'
    throw new PatchError('PATCH_UNSUPPORTED', `cannot patch the image: ${reason}, where newer packages cannot be noted`)
  }
  const text = Buffer.from(status).toString('utf8')
  const held = [...paragraphsOf(text)].filter(([, stanza]) => stanza.get('status')?.startsWith('hold '))
  return {
    files,
    packages: database.packages,
    status: text,
    held: new Set(held.map(([key]) => key)),
    faults: database.faults,
  }
}

/** What a patch changes. */
export interface PatchChanges {
  /** By path, in its order; `undefined` is what goes. */
  readonly changes: readonly (readonly [string, PutEntry | undefined])[]
  readonly kept: readonly KeptConffile[]
  /** What became of the certificates that the image trusts, where a newer package ships them. */
  readonly trust?: TrustChanges
}

/**
 * Puts newer packages into an image, one after another in the order of names, and says what that changes. Throws as
 * `putPackage` does.
 */
export function patchFiles(image: DpkgImage, newer: readonly NewerPackage[]): PatchChanges {
  const tree = new PatchedTree(image.files)
  const owners = new PathOwners()
  const text = (path: string) => {
    const content = tree.read(path)
    return content && Buffer.from(content).toString('utf8')
  }
  const settings = readDpkgSettings(
    [...image.files.entries()].map(({ path }) => path),
    text,
  )
  for (const one of image.packages) {
    for (const path of one.paths) owners.add(tree.canonical(divertedPath(path, one.name, settings)), one)
  }
  const taken = new Map<string, Set<string>>()
  const put = newer.map((one) => ({ one, ...putPackage(one, { tree, owners, settings, taken }) }))
  const upgraded = new Set(newer.map(({ installed }) => packageKey(installed)))
  for (const [key, lost] of taken) {
    const [name = ''] = key.split(':')
    if (!upgraded.has(key)) for (const list of [name, key]) dropFromList(list, lost, tree)
  }
  const paragraphs = new Map(
    put.map(({ one, conffiles }) => [packageKey(one.installed), { control: one.control, conffiles }]),
  )
  const here = image.files.get(STATUS)
  const mtime = Math.max(here?.mtime ?? 0, ...newer.flatMap(({ entries }) => entries.map((entry) => entry.mtime)))
  const content = Buffer.from(rewriteStatus(image.status, paragraphs))
  tree.put({ path: STATUS, type: 'file', mode: here?.mode ?? 0o644, uid: 0, gid: 0, mtime, content })
  const hasCertificates = newer.some(({ installed }) => installed.name === 'ca-certificates')
  const trust = hasCertificates ? refreshTrustStore(tree, mtime) : undefined
  const kept = put.flatMap((one) => one.kept)
  return { changes: tree.changes, kept, ...(trust === undefined ? {} : { trust }) }
}
