import type { DebEntry } from '#debian'
import { matchesGlob } from './glob.ts'

/** What an image's dpkg is told of paths, beside its packages. */
export interface DpkgSettings {
  /** `path-exclude` and `path-include` in their order; the last that matches decides (dpkg(1)). */
  readonly filters: readonly PathFilter[]
  /** By path (dpkg-divert(1)). */
  readonly diversions: ReadonlyMap<string, DivertedPath>
  /** By path (dpkg-statoverride(1)). */
  readonly overrides: ReadonlyMap<string, StatOverride>
  readonly accounts: AccountNumbers
}

export interface PathFilter {
  readonly pattern: string
  readonly includes: boolean
}

export interface DivertedPath {
  readonly to: string
  /** The package whose own file stays; of a local diversion nobody's does. */
  readonly by: string | undefined
}

export interface StatOverride {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Numbers of names, as the image's /etc/passwd and /etc/group have them. */
export interface AccountNumbers {
  readonly users: ReadonlyMap<string, number>
  readonly groups: ReadonlyMap<string, number>
}

/** Where dpkg's settings lie. */
export function isSettingsPath(path: string): boolean {
  return (
    ['/etc/passwd', '/etc/group', '/etc/dpkg/dpkg.cfg', DIVERSIONS, OVERRIDES].includes(path) ||
    /^\/etc\/dpkg\/dpkg\.cfg\.d\/[A-Za-z0-9_-]+$/.test(path)
  )
}

const DIVERSIONS = '/var/lib/dpkg/diversions'
const OVERRIDES = '/var/lib/dpkg/statoverride'

/** Reads the settings of an image from its files; `paths` are all of the image's, for the folder of settings. */
export function readDpkgSettings(paths: Iterable<string>, read: (path: string) => string | undefined): DpkgSettings {
  const files = [...paths].filter((path) => path.startsWith('/etc/dpkg/dpkg.cfg.d/') && isSettingsPath(path)).sort()
  const accounts = { users: numbersOf(read('/etc/passwd')), groups: numbersOf(read('/etc/group')) }
  return {
    filters: [...files, '/etc/dpkg/dpkg.cfg'].flatMap((path) => filtersOf(read(path) ?? '')),
    diversions: diversionsOf(read(DIVERSIONS) ?? ''),
    overrides: overridesOf(read(OVERRIDES) ?? '', accounts),
    accounts,
  }
}

function numbersOf(database: string | undefined): ReadonlyMap<string, number> {
  const rows = (database ?? '').split('\n').map((line) => line.split(':'))
  return new Map(
    rows.flatMap(([name, , number]) => (name && /^\d+$/.test(number ?? '') ? [[name, Number(number)]] : [])),
  )
}

function filtersOf(text: string): PathFilter[] {
  return text.split('\n').flatMap((line): PathFilter[] => {
    const [, kind, pattern] = /^\s*path-(exclude|include)(?:\s*=\s*|\s+)(\S.*?)\s*$/.exec(line) ?? []
    if (kind === undefined || pattern === undefined) return []
    return [{ includes: kind === 'include', pattern: pattern.replace(/^(["'])(.*)\1$/, '$2') }]
  })
}

function diversionsOf(text: string): ReadonlyMap<string, DivertedPath> {
  const lines = text.split('\n')
  const diversions = new Map<string, DivertedPath>()
  for (let at = 0; at + 2 < lines.length; at += 3) {
    const [from = '', to = '', by = ''] = lines.slice(at, at + 3)
    diversions.set(from, { to, by: by === ':' ? undefined : by })
  }
  return diversions
}

function overridesOf(text: string, { users, groups }: AccountNumbers): ReadonlyMap<string, StatOverride> {
  const number = (name: string, names: ReadonlyMap<string, number>) =>
    name.startsWith('#') ? Number(name.slice(1)) : names.get(name)
  return new Map(
    text.split('\n').flatMap((line): [string, StatOverride][] => {
      const [, user = '', group = '', mode = '', path] = /^(\S+) (\S+) ([0-7]+) (.+)$/.exec(line) ?? []
      const [uid, gid] = [number(user, users), number(group, groups)]
      if (path === undefined || uid === undefined || gid === undefined) return []
      return [[path, { mode: Number.parseInt(mode, 8), uid, gid }]]
    }),
  )
}

/** Where a package's path goes to, unless it is a folder. */
export function divertedPath(path: string, name: string, { diversions }: DpkgSettings): string {
  const diversion = diversions.get(path)
  return diversion === undefined || diversion.by === name ? path : diversion.to
}

/** Whether dpkg leaves a path of a package out. What may lead to a path that is kept is kept. */
export function isFilteredOut(
  { path, type }: Pick<DebEntry, 'path' | 'type'>,
  filters: readonly PathFilter[],
): boolean {
  const last = filters.findLast(({ pattern }) => matchesGlob(pattern, path))
  if (last === undefined || last.includes) return false
  if (type !== 'directory' && type !== 'symlink') return true
  return !filters.some(({ includes, pattern }) => includes && path.startsWith(fixedPart(pattern)))
}

function fixedPart(pattern: string): string {
  const special = pattern.search(/[*?[\\]/)
  return (special < 0 ? pattern : pattern.slice(0, special)).replace(/\/+$/, '')
}
