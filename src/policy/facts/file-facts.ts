import type { EffectiveDefinition } from '#image'
import type { ImageFile, ImageFiles } from '#oci'
import type { Inventory } from '#sbom'
import type { FactRecord } from '../fact-shapes.ts'

/** What an image's definition asks for by name, and so may stand there. */
export interface Declared {
  /** Debian packages. */
  readonly packages: ReadonlySet<string>
  readonly paths: ReadonlySet<string>
}

/** What is declared where no definition is at hand. */
export const NOTHING_DECLARED: Declared = { packages: new Set(), paths: new Set() }

/** Names by which shells are started. */
const SHELL = /^(?:[abckz]?sh|bash|busybox|dash|fish|mksh|rbash|tcsh|toybox)$/
/** Names by which programs are started that install others. */
const PACKAGE_MANAGER =
  /^(?:apk|apt|apt-get|aptitude|cargo|conda|dnf|dpkg|dpkg-deb|dselect|gem|microdnf|npm|pacman|pip[0-9.]*|pipx|pnpm|rpm|yarn|yum|zypper)$/
const CAPABILITIES = 'security.capability'
const SET_ID = 0o6000
const WORLD = 0o002
const STICKY = 0o1000

/** What a definition's variant asks for by name: packages, and paths of its own. */
export function declaredBy({ packages, paths }: Pick<EffectiveDefinition, 'packages' | 'paths'>): Declared {
  return {
    packages: new Set(packages.map(({ name }) => name)),
    paths: new Set(paths.filter(({ type }) => type !== 'absent').map(({ path }) => path)),
  }
}

/** The files of an image that gates ask about, each by path. `inventory` has an account of files without packages. */
export function fileFacts(files: ImageFiles, inventory: Inventory, declared: Declared): FactRecord<'Files'> {
  const owners = new Map(inventory.packages.flatMap(({ name, files: own }) => own.map((path) => [path, name] as const)))
  const factOf = (file: ImageFile): FactRecord<'File'> => {
    const target = file.type === 'symlink' ? files.resolve(file.path)?.path : undefined
    const names = [file.path, ...(target === undefined ? [] : [target])]
    const owner = names.map((path) => owners.get(path)).find((name) => name !== undefined)
    const isDeclared =
      (owner !== undefined && declared.packages.has(owner)) || names.some((path) => declared.paths.has(path))
    return { path: file.path, mode: octal(modeOf(file, files)), package: owner ?? '', declared: isDeclared }
  }
  const found = (isWanted: (file: ImageFile) => boolean) =>
    [...files.entries()].filter(isWanted).sort(byPath).map(factOf)
  return {
    setuid: found((file) => lendsRights(file, files)),
    world_writable: found((file) => isWorldWritable(file, files)),
    shells: found((file) => isProgram(file, files, SHELL)),
    package_managers: found((file) => isProgram(file, files, PACKAGE_MANAGER)),
    undeclared: inventory.account?.unexplained ?? [],
  }
}

function lendsRights(file: ImageFile, files: ImageFiles): boolean {
  if (file.type !== 'file' && file.type !== 'hardlink') return false
  const linked = file.type === 'hardlink' ? files.get(file.target) : file
  return (
    (modeOf(file, files) & SET_ID) !== 0 || file.xattrs.has(CAPABILITIES) || linked?.xattrs.has(CAPABILITIES) === true
  )
}

/** Folders such as /tmp guard what is in them by the sticky bit; devices such as /dev/null are for everybody. */
function isWorldWritable(file: ImageFile, files: ImageFiles): boolean {
  const mode = modeOf(file, files)
  if (file.type === 'symlink' || (mode & WORLD) === 0) return false
  if (file.type === 'directory') return (mode & STICKY) === 0
  return !(file.type === 'character-device' && file.path.startsWith('/dev/'))
}

/** Links count by where they lead: one to nothing starts nothing. */
function isProgram(file: ImageFile, files: ImageFiles, names: RegExp): boolean {
  if (file.type === 'directory' || !names.test(file.path.slice(file.path.lastIndexOf('/') + 1))) return false
  const program = file.type === 'symlink' ? files.resolve(file.path) : file
  if (program === undefined || (program.type !== 'file' && program.type !== 'hardlink')) return false
  return (modeOf(program, files) & 0o111) !== 0
}

/** A hard link has the mode of the file that it is another name of. */
function modeOf(file: ImageFile, files: ImageFiles): number {
  return (file.type === 'hardlink' ? files.get(file.target) : undefined)?.mode ?? file.mode
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

function byPath(left: ImageFile, right: ImageFile): number {
  return left.path < right.path ? -1 : 1
}
