import type { EffectiveDefinition, RuleException } from '#image'
import type { ImageFile, ImageFiles } from '#oci'
import type { Inventory } from '#sbom'
import type { FactRecord } from '../fact-shapes.ts'

/** What an image's definition asks for by name, and so may stand there. */
export interface Declared {
  /** Debian packages. */
  readonly packages: ReadonlySet<string>
  readonly paths: ReadonlySet<string>
  /** Those of the paths that shall have the setuid or setgid bit: a package's name does not ask for that. */
  readonly setuid: ReadonlySet<string>
  /** Where a catalogue image departs from the rules of all, each with a reason. */
  readonly departures: readonly RuleException[]
}

/** What is declared where no definition is at hand. */
export const NOTHING_DECLARED: Declared = { packages: new Set(), paths: new Set(), setuid: new Set(), departures: [] }

/** Names by which shells are started. */
const SHELL = /^(?:[abckz]?sh|bash|busybox|dash|fish|mksh|rbash|tcsh|toybox)$/
/** Names by which programs are started that install others. */
const PACKAGE_MANAGER =
  /^(?:apk|apt|apt-get|aptitude|cargo|conda|dnf|dpkg|dpkg-deb|dselect|gem|microdnf|npm|pacman|pip[0-9.]*|pipx|pnpm|rpm|yarn|yum|zypper)$/
/** The catalogue's rules that departures name, by what they are about. */
const RULES = {
  setuid: 'no set-id file',
  shells: 'no shell',
  package_managers: 'no package manager',
  world_writable: 'nothing world-writable',
} as const
const CAPABILITIES = 'security.capability'
const SET_ID = 0o6000
const WORLD = 0o002
const STICKY = 0o1000

/** What a definition's variant asks for by name: packages, and paths of its own; `departures` of an image of the catalogue. */
export function declaredBy(
  { packages, paths }: Pick<EffectiveDefinition, 'packages' | 'paths'>,
  departures: readonly RuleException[] = [],
): Declared {
  return {
    departures,
    packages: new Set(packages.map(({ name }) => name)),
    paths: new Set(paths.filter(({ type }) => type !== 'absent').map(({ path }) => path)),
    setuid: new Set(paths.flatMap((one) => (one.type === 'file' && (one.mode & SET_ID) !== 0 ? [one.path] : []))),
  }
}

/** The files of an image that gates ask about, each by path. `inventory` has an account of files without packages. */
export function fileFacts(files: ImageFiles, inventory: Inventory, declared: Declared): FactRecord<'Files'> {
  const owners = new Map(inventory.packages.flatMap(({ name, files: own }) => own.map((path) => [path, name] as const)))
  const factOf = (file: ImageFile, rule: string): FactRecord<'File'> => {
    const target = file.type === 'symlink' ? files.resolve(file.path)?.path : undefined
    const names = [file.path, ...(target === undefined ? [] : [target])]
    const owner = names.map((path) => owners.get(path)).find((name) => name !== undefined) ?? ''
    const mode = octal(modeOf(file, files))
    const departs = declared.departures.some(
      (one) => one.rule === rule && new RegExp(one.fault).test(`${file.path} ${mode}`),
    )
    const isAskedFor =
      rule === RULES.setuid
        ? declared.setuid.has(file.path) && !hasCapabilities(file, files)
        : declared.packages.has(owner) || names.some((path) => declared.paths.has(path))
    return { path: file.path, mode, package: owner, declared: isAskedFor || departs }
  }
  const found = (isWanted: (file: ImageFile) => boolean, rule: string) =>
    [...files.entries()]
      .filter(isWanted)
      .sort(byPath)
      .map((file) => factOf(file, rule))
  return {
    setuid: found((file) => lendsRights(file, files), RULES.setuid),
    world_writable: found((file) => isWorldWritable(file, files), RULES.world_writable),
    shells: found((file) => isProgram(file, files, SHELL), RULES.shells),
    package_managers: found((file) => isProgram(file, files, PACKAGE_MANAGER), RULES.package_managers),
    undeclared: inventory.account?.unexplained ?? [],
  }
}

function lendsRights(file: ImageFile, files: ImageFiles): boolean {
  if (file.type !== 'file' && file.type !== 'hardlink') return false
  return (modeOf(file, files) & SET_ID) !== 0 || hasCapabilities(file, files)
}

function hasCapabilities(file: ImageFile, files: ImageFiles): boolean {
  const linked = file.type === 'hardlink' ? files.get(file.target) : undefined
  return file.xattrs.has(CAPABILITIES) || linked?.xattrs.has(CAPABILITIES) === true
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
