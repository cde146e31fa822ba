import { type AptSource, withoutSlash } from './apt-sources.ts'
import type { Archive } from './archive.ts'
import { DebianError } from './errors.ts'

/** Base URLs by kind of mirror, e.g. `debian` and `debian-security`; each list in order of preference. */
export type MirrorTable = Readonly<Record<string, readonly string[]>>

/**
 * Reads a mirror setting, as `CASEMATE_MIRROR` and `--mirror` have it: `kind=URL` parts between commas, several of one
 * kind in order of preference; or one URL alone, below which each kind is a folder of its name. Throws
 * `MIRROR_UNKNOWN`. `place` names the setting in errors.
 */
export function parseMirrors(text: string, kinds: readonly string[], place: string): MirrorTable {
  const table: Record<string, string[]> = {}
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue
    const [, kind, url = part] = /^([a-z0-9][a-z0-9.-]*)=(.*)$/.exec(part) ?? []
    if (!/^https?:\/\/[^\s?#]+$/.test(url)) {
      throw new DebianError('MIRROR_UNKNOWN', `cannot read ${place} "${part}": want kind=http(s)://… or http(s)://…`)
    }
    const base = withoutSlash(url)
    for (const each of kind === undefined ? kinds : [kind]) {
      table[each] = [...(table[each] ?? []), kind === undefined ? `${base}/${each}` : base]
    }
  }
  return table
}

/**
 * The mirrors among apt's sources: a URI serves a kind when one of its suites is a suite of that kind in a known
 * archive (so a bookworm host's mirror is found for trixie), or when its path ends in the kind's name.
 */
export function mirrorsOfSources(sources: readonly AptSource[], archives: readonly Archive[]): MirrorTable {
  const table: Record<string, string[]> = {}
  for (const { name: kind, suites } of kindsOf(archives)) {
    const uris = sources
      .filter((source) => source.suites.some((suite) => suites.has(suite)))
      .concat(sources.filter(({ uris }) => uris.some((uri) => uri.endsWith(`/${kind}`))))
      .flatMap((source) => source.uris)
    if (uris.length > 0) table[kind] = [...new Set(uris)]
  }
  return table
}

/**
 * The mirrors of each kind: what the first of the settings says that says anything of the kind, and without any, the
 * archive's built-in ones. Throws `MIRROR_UNKNOWN` when there is none.
 */
export function chooseMirrors(kind: string, settings: readonly MirrorTable[], archive: Archive): readonly string[] {
  for (const setting of settings) {
    const mirrors = setting[kind] ?? []
    if (mirrors.length > 0) return mirrors.map(withoutSlash)
  }
  const builtIn = archive.mirrors[kind]?.builtIn ?? []
  if (builtIn.length > 0) return builtIn.map(withoutSlash)
  const reason = `no mirror of kind "${kind}" is known; set CASEMATE_MIRROR=${kind}=https://…`
  throw new DebianError('MIRROR_UNKNOWN', `cannot fetch from archive ${archive.name}: ${reason}`)
}

/** The folder of a file or suite on the snapshot service at a time: `BASE/YYYYMMDDTHHMMSSZ`. */
export function snapshotBase(snapshot: string, at: Date): string {
  return `${withoutSlash(snapshot)}/${at.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}

function kindsOf(archives: readonly Archive[]): { name: string; suites: ReadonlySet<string> }[] {
  const kinds = new Map<string, Set<string>>()
  for (const { suites } of archives) {
    for (const { suite, mirror } of suites) {
      const known = kinds.get(mirror) ?? new Set()
      kinds.set(mirror, known.add(suite))
    }
  }
  return [...kinds].map(([name, suites]) => ({ name, suites }))
}
