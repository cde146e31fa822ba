import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type ChangelogEntry, readChangelog } from './changelog.ts'

/** Releases whose archive is read, oldest first. */
export const RELEASES = ['bullseye', 'bookworm', 'trixie'] as const

/** A binary package of today's archive. */
export interface ArchivePackage {
  readonly suite: string
  readonly release: string
  readonly name: string
  readonly version: string
  readonly source: string
  readonly sourceVersion: string
  readonly filename: string
  readonly size: number
}

/** A changelog out of a package: which package, the file in it, and its versions. */
export interface PackageChangelog {
  readonly from: string
  readonly entries: readonly ChangelogEntry[]
}

/** Where the archive is: two mirrors, and a folder that keeps what was fetched. */
export interface Mirrors {
  readonly main: string
  readonly security: string
  readonly cache: string
}

/** The binary packages of amd64 of some sources in the releases, their updates and security suites. */
export function archivePackages(mirrors: Mirrors, sources: readonly string[]): readonly ArchivePackage[] {
  const wanted = new Set(sources)
  return RELEASES.flatMap((release) =>
    ['', '-updates', '-security'].flatMap((suffix) => {
      const suite = `${release}${suffix}`
      const file = fetchFile(mirrors, `dists/${suite}/main/binary-amd64/Packages.xz`, suite)
      if (file === undefined) throw new Error(`cannot find the packages of ${suite}`)
      const { stdout, status } = spawnSync('xz', ['-dc', file], { maxBuffer: 1 << 30, encoding: 'utf8' })
      if (status !== 0) throw new Error(`cannot unpack ${file}`)
      return stdout
        .split('\n\n')
        .flatMap((stanza) => packageOf(stanza, suite, release))
        .filter(({ source }) => wanted.has(source))
    }),
  )
}

function packageOf(stanza: string, suite: string, release: string): ArchivePackage[] {
  const name = /^Package: (.+)$/m.exec(stanza)?.[1]
  const version = /^Version: (.+)$/m.exec(stanza)?.[1]
  const filename = /^Filename: (.+)$/m.exec(stanza)?.[1]
  if (name === undefined || version === undefined || filename === undefined) return []
  const [, source = name, other] = /^Source: (\S+)(?: \((.*)\))?$/m.exec(stanza) ?? []
  const size = Number(/^Size: (\d+)$/m.exec(stanza)?.[1])
  return [{ suite, release, name, version, source, sourceVersion: other ?? version, filename, size }]
}

/** Fetched packages are tried until one has the changelog; others of a source link to a sibling's. */
const TRIES = 4
const LARGEST = 8_000_000

/** The changelog of a source package at one version, out of the smallest binary package that carries it. */
export function changelogOf(packages: readonly ArchivePackage[], mirrors: Mirrors): PackageChangelog | undefined {
  const bySize = packages.filter(({ size }) => size < LARGEST).sort((left, right) => left.size - right.size)
  const own = bySize.filter(({ name, source }) => name === source)
  for (const each of [...own, ...bySize].slice(0, TRIES)) {
    const file = fetchFile(mirrors, each.filename, each.suite)
    if (file === undefined) continue
    for (const name of ['changelog.Debian.gz', 'changelog.gz']) {
      const path = `usr/share/doc/${each.name}/${name}`
      const text = fileIn(file, path)
      if (text?.startsWith(`${each.source} (`) === true) {
        return { from: `${basename(each.filename)}:${path}`, entries: readChangelog(text) }
      }
    }
  }
  return undefined
}

function fileIn(deb: string, path: string): string | undefined {
  const tar = spawnSync('dpkg-deb', ['--fsys-tarfile', deb], { maxBuffer: 1 << 30 })
  const { stdout, status } = spawnSync('tar', ['-xO', `./${path}`], { input: tar.stdout, maxBuffer: 1 << 28 })
  return status === 0 && stdout.length > 0 ? gunzipSync(stdout).toString('utf8') : undefined
}

/** Fetches a file once; `undefined` where the mirror has none, as happens to packages of releases past their support. */
function fetchFile({ main, security, cache }: Mirrors, path: string, suite: string): string | undefined {
  const file = join(cache, `${suite}_${basename(path)}`)
  const isAbsent = `${file}.absent`
  if (existsSync(file)) return file
  if (existsSync(isAbsent)) return undefined
  mkdirSync(cache, { recursive: true })
  const url = `${suite.endsWith('-security') ? security : main}/${path}`
  const run = spawnSync('curl', ['-sfL', '--retry', '3', '--max-time', '120', url], { maxBuffer: 1 << 30 })
  if (run.status === 22) writeFileSync(isAbsent, '')
  else if (run.status !== 0) throw new Error(`cannot fetch ${url}: curl ended with ${run.status}`)
  else writeFileSync(file, run.stdout)
  return run.status === 0 ? file : undefined
}
