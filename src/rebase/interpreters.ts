import type { BinaryPackage } from '#debian'
import type { ImageFile, ImageFiles } from '#oci'
import type { BaseFacts } from './base-facts.ts'
import { REBUILD, type Refusal } from './refusal.ts'

/** An interpreter by the version that decides what runs on it, and where that is known from. */
export interface InterpreterLine {
  /** `python 3.13`. */
  readonly line: string
  /** A package with its version, or a path. */
  readonly from: string
}

type PackageRule = readonly [
  pattern: RegExp,
  name: string,
  version: (match: RegExpExecArray, upstream: string) => string,
]

const NAMED = (match: RegExpExecArray) => match[1] ?? ''
const MINOR = (_: RegExpExecArray, upstream: string) => upstream.split('.').slice(0, 2).join('.')
const MAJOR = (_: RegExpExecArray, upstream: string) => upstream.split('.')[0] ?? ''

/**
 * What code is made for: modules of Python, Perl, PHP, Ruby and Lua lie in folders of a minor version; Node's native modules are
 * of a major version, and so is what Java runs. Debian has that in the packages' names, but for Perl and Node.
 */
const PACKAGES: readonly PackageRule[] = [
  [/^python(3\.\d+)-minimal$/, 'python', NAMED],
  [/^libpython(3\.\d+)-minimal$/, 'python', NAMED],
  [/^perl-base$/, 'perl', MINOR],
  [/^nodejs$/, 'node', MAJOR],
  [/^libnode(\d+)$/, 'node ABI', NAMED],
  [/^php(\d+\.\d+)-common$/, 'php', NAMED],
  [/^(?:lib)?ruby(\d+\.\d+)$/, 'ruby', NAMED],
  [/^openjdk-(\d+)-jre-headless$/, 'java', NAMED],
  [/^liblua(5\.\d)-0$/, 'lua', NAMED],
]

/** Programs outside of Debian's packages that have their version in their name, and those that do not. */
const VERSIONED = /^\/(?:usr\/local|opt\/.+)\/bin\/(python|perl|php|ruby|lua)(\d+\.\d+)(?:\.\d+)?$/
const UNVERSIONED = /^\/(?:usr\/local|opt\/.+)\/bin\/(?:python3?|node|perl|php|ruby|lua|java)$/

/** The interpreters that an image's packages and local programs are, each line once, sorted. */
export function interpreterLines(packages: Iterable<BinaryPackage>, files: ImageFiles): readonly InterpreterLine[] {
  const lines = new Map<string, string>()
  for (const { name, version } of packages) {
    const upstream = version.replace(/^\d+:/, '').replace(/-[^-]*$/, '')
    for (const [pattern, interpreter, versionOf] of PACKAGES) {
      const match = pattern.exec(name)
      if (match !== null) lines.set(`${interpreter} ${versionOf(match, upstream)}`, `${name} ${version}`)
    }
  }
  for (const { path, type } of files.entries()) {
    const [, name, version] = (type === 'file' ? VERSIONED.exec(path) : null) ?? []
    if (name !== undefined) lines.set(`${name} ${version}`, path)
  }
  return [...lines].map(([line, from]) => ({ line, from })).sort((left, right) => (left.line < right.line ? -1 : 1))
}

/** Interpreters that have no version in their name and lie where no package of Debian's puts one. */
export function localInterpreters(files: ImageFiles): readonly ImageFile[] {
  return [...files.entries()].filter(({ path, type }) => type === 'file' && UNVERSIONED.test(path))
}

/** Interpreters of the old base that the new one has no more in the same version; and those of which nothing tells it. */
export function interpreterRefusals(
  old: Pick<BaseFacts, 'interpreters' | 'unversioned'>,
  next: Pick<BaseFacts, 'interpreters' | 'tree'>,
): readonly Refusal[] {
  const application = 'was made on the old base, so it may be made for that version'
  const missing = old.interpreters.filter(({ line }) => next.interpreters.every((other) => other.line !== line))
  const changed = missing.map(({ line, from }): Refusal => {
    const [kind] = /^.* (?=\S+$)/.exec(line) ?? ['']
    const instead = next.interpreters.filter((other) => other.line.startsWith(kind))
    const named = instead.map((other) => `${other.line} (${other.from})`).join(', ')
    const base = `${line} (${from}) → ${named === '' ? 'no such interpreter' : named}`
    const remedy = `${REBUILD}, or rebase onto a base with ${line}`
    return { code: 'interpreter-changed', subject: line, application, base, remedy }
  })
  const unknown = old.unversioned.filter(({ path, digest }) => next.tree.files.get(path)?.digest !== digest)
  return [
    ...changed,
    ...unknown.map(({ path }): Refusal => {
      const base = `${path} changed, and no name or package tells its version`
      return { code: 'interpreter-unknown', subject: path, application, base, remedy: REBUILD }
    }),
  ]
}
