import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { TarType } from '#core'
import { bytesOf, type TarItem, TEST_MTIME, tarOf, tarOfAll } from './tar.ts'

/** A path in a test package: its text, or what is special about it. A key that ends in `/` is a directory. */
export type DebFile =
  | string
  | Uint8Array
  | {
      readonly content?: string | Uint8Array
      readonly mode?: number
      readonly uid?: number
      readonly gid?: number
      readonly mtime?: number
      /** The text of a symbolic link. */
      readonly link?: string
      /** The absolute path of another file of this package. */
      readonly hardlink?: string
      /** Only needed for directories without `/`, devices and fifos. */
      readonly type?: TarType
    }

/** How a member of a .deb may be compressed (deb(5)). */
export type DebCompression = 'none' | 'gzip' | 'xz' | 'zstd'

/** What a test package is. */
export interface DebSpec {
  readonly name: string
  /** `1.0` unless given. */
  readonly version?: string
  /** `amd64` unless given. */
  readonly architecture?: string
  /** More fields of the control paragraph: `{ Depends: 'libc6 (>= 2.36)' }`. */
  readonly fields?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, DebFile>>
  /** Further control files by name: `{ postinst: '#!/bin/sh\n…', conffiles: '/etc/x\n' }`. */
  readonly scripts?: Readonly<Record<string, string>>
  /** `gzip` unless given; `xz` runs the host's `xz`. */
  readonly compression?: DebCompression
  /** Entries put behind the others in data.tar, as they are: for hostile packages. */
  readonly dataItems?: readonly (TarItem | Uint8Array)[]
  /** The whole data.tar, instead of `files`. */
  readonly dataTar?: Uint8Array
}

/** A member of an ar archive. */
export interface ArItem {
  readonly name: string
  readonly content: Uint8Array
  /** The size field's text, when it shall lie. */
  readonly size?: string
}

const SUFFIX: Readonly<Record<DebCompression, string>> = { none: '', gzip: '.gz', xz: '.xz', zstd: '.zst' }

/** Builds a .deb that dpkg-deb accepts; the same spec gives the same bytes. */
export function buildDeb(spec: DebSpec): Uint8Array {
  const compression = spec.compression ?? 'gzip'
  const dataTar = spec.dataTar ?? tarOfAll([...filesOf(spec), ...(spec.dataItems ?? [])])
  return arOf(
    { name: 'debian-binary', content: bytesOf('2.0\n') },
    { name: `control.tar${SUFFIX[compression]}`, content: compress(controlTar(spec), compression) },
    { name: `data.tar${SUFFIX[compression]}`, content: compress(dataTar, compression) },
  )
}

/** An ar archive of these members, as dpkg-deb writes it. */
export function arOf(...items: readonly ArItem[]): Uint8Array {
  const members = items.flatMap(({ name, content, size }) => {
    const header = `${name.padEnd(16)}${String(TEST_MTIME).padEnd(12)}0     0     100644  `
    return [
      `${header}${(size ?? String(content.length)).padEnd(10)}\`\n`,
      content,
      content.length % 2 === 1 ? '\n' : '',
    ]
  })
  return bytesOf('!<arch>\n', ...members)
}

/** Compresses bytes as a member of a .deb. */
export function compress(bytes: Uint8Array, compression: DebCompression): Uint8Array {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'zstd':
      return zstdCompressSync(bytes)
    case 'xz':
      return runXz(bytes, ['-6'])
  }
}

/** Compresses bytes with the host's `xz` and these options. */
export function runXz(bytes: Uint8Array, options: readonly string[]): Uint8Array {
  const run = spawnSync('xz', ['-c', ...options], { input: bytes, maxBuffer: 2 ** 31 - 1 })
  if (run.status !== 0) throw new Error(`cannot run xz: ${run.error?.message ?? run.stderr.toString()}`)
  return run.stdout
}

/** The control paragraph of a test package, mandatory fields first. */
export function controlOf(spec: DebSpec): string {
  const fields = {
    Package: spec.name,
    Version: spec.version ?? '1.0',
    Architecture: spec.architecture ?? 'amd64',
    Maintainer: 'Casemate <casemate@example.org>',
    Description: `test package ${spec.name}`,
    ...spec.fields,
  }
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')
}

function controlTar(spec: DebSpec): Uint8Array {
  const sums = filesOf(spec)
    .filter((item) => (item.type ?? 'file') === 'file')
    .map(
      (item) =>
        `${createHash('md5')
          .update(bytesOf(item.content ?? ''))
          .digest('hex')}  ${item.path.slice(2)}\n`,
    )
  const scripts = Object.entries(spec.scripts ?? {}).map(([name, content]) => ({
    path: `./${name}`,
    content,
    mode: /^(pre|post)(inst|rm)$|^config$/.test(name) ? 0o755 : 0o644,
  }))
  return tarOf(
    { path: './', type: 'directory' },
    { path: './control', content: controlOf(spec) },
    ...(sums.length > 0 ? [{ path: './md5sums', content: sums.join('') }] : []),
    ...scripts,
  )
}

/** The entries of data.tar: every parent directory, then by path; hard links last, behind what they name. */
function filesOf(spec: DebSpec): TarItem[] {
  const items = new Map<string, TarItem>([['/', { path: './', type: 'directory' }]])
  for (const [path, file] of Object.entries(spec.files ?? {})) {
    for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash)
      if (!items.has(parent)) items.set(parent, { path: `.${parent}/`, type: 'directory' })
    }
    items.set(path.replace(/\/$/, ''), itemOf(path, file))
  }
  const order = (key: string) => (items.get(key)?.type === 'hardlink' ? 1 : 0)
  return [...items.keys()]
    .sort((left, right) => order(left) - order(right) || (left < right ? -1 : 1))
    .flatMap((key) => items.get(key) ?? [])
}

function itemOf(path: string, file: DebFile): TarItem {
  if (typeof file === 'string' || file instanceof Uint8Array) {
    return path.endsWith('/') ? { path: `.${path}`, type: 'directory' } : { path: `.${path}`, content: file }
  }
  const { link, hardlink, ...rest } = file
  if (link !== undefined) return { mode: 0o777, ...rest, path: `.${path}`, type: 'symlink', linkPath: link }
  if (hardlink !== undefined) return { ...rest, path: `.${path}`, type: 'hardlink', linkPath: `.${hardlink}` }
  return path.endsWith('/') ? { ...rest, path: `.${path}`, type: 'directory' } : { ...rest, path: `.${path}` }
}
