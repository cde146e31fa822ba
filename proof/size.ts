import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hexOf } from '#core'
import {
  buildCatalogueImage,
  type CatalogueBuild,
  type CatalogueImage,
  catalogueImages,
  debsOf,
} from './parts/catalogue.ts'
import { runOrThrow, runShell } from './parts/command.ts'
import { localArchive, realDebs } from './parts/local-archive.ts'

const MOST_OF_GZIP = 1.03

/** Format 1's path rules as dpkg's options say them. */
const PATH_OPTIONS = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  ...['doc-base', 'help', 'gtk-doc', 'man', 'info', 'groff', 'locale', 'lintian', 'bug', 'reportbug', 'linda'].map(
    (folder) => `path-exclude=/usr/share/${folder}/*`,
  ),
  'path-include=/usr/share/locale/locale.alias',
  ...['applications', 'pixmaps', 'menu'].map((folder) => `path-exclude=/usr/share/${folder}/*`),
  'path-exclude=/usr/share/bash-completion/completions/*',
  'path-exclude=/usr/share/zsh/vendor-completions/*',
  'path-exclude=/usr/share/fish/vendor_completions.d/*',
  'path-exclude=/etc/bash_completion.d/*',
]

/** Bytes of one image. */
interface Sizes {
  readonly title: string
  /** The layers as they are stored. */
  readonly stored: number
  /** The layers as tar, and each of them by `gzip -6`. */
  readonly tar: number
  readonly gzip: number
  /** What mmdebstrap makes of the same packages, as tar and by `gzip -6`. */
  readonly peerTar: number
  readonly peerGzip: number
}

/**
 * Weighs every catalogue image: its layers against the same layers by `gzip -6`, and its tar against what
 * `mmdebstrap --variant=extract` makes of the same packages under the same path rules. Arguments are the names of images;
 * all unless given. Needs root, for mmdebstrap.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-size-'))
  try {
    const sizes: Sizes[] = []
    for (const image of await catalogueImages(only)) sizes.push(await weigh(image, folder))
    const lines = [
      `${await firstLine('gzip', '--version')}; ${await firstLine('mmdebstrap', '--version')}`,
      'kB of 1000 bytes; "ratio" is ours of the other one; mmdebstrap extract holds no package database and no effects',
      '',
      `${''.padEnd(28)}  ${'stored'.padStart(8)} ${'gzip -6'.padStart(8)}  ratio   ${'tar'.padStart(8)} ${'extract'.padStart(8)}  ratio   ${'gzip -6'.padStart(8)} ${'extract'.padStart(8)}  ratio`,
      ...sizes.map(rowOf),
    ]
    return { holds: sizes.length > 0 && sizes.every(isSmall), lines }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function isSmall({ stored, gzip, tar, peerTar, peerGzip }: Sizes): boolean {
  return stored <= MOST_OF_GZIP * gzip && tar <= peerTar && gzip <= peerGzip
}

function rowOf(sizes: Sizes): string {
  const { title, stored, gzip, tar, peerTar, peerGzip } = sizes
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(0).padStart(8)
  const pair = (ours: number, other: number) => `${kilobytes(ours)} ${kilobytes(other)}  ${(ours / other).toFixed(3)}`
  const cells = [title.padEnd(28), pair(stored, gzip), ` ${pair(tar, peerTar)}`, ` ${pair(gzip, peerGzip)}`]
  return [...cells, isSmall(sizes) ? '' : ' NOT'].join('  ').trimEnd()
}

async function weigh(image: CatalogueImage, folder: string): Promise<Sizes> {
  const work = join(folder, 'one')
  mkdirSync(work)
  try {
    const build = await buildCatalogueImage(image, work)
    const blobs = build.built.image.layers.map(({ descriptor }) =>
      join(build.layout, 'blobs/sha256', hexOf(descriptor.digest)),
    )
    const stored = build.built.image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0)
    const tar = await sum(blobs, 'gzip -dc "$1" | wc -c')
    const gzip = await sum(blobs, 'gzip -dc "$1" | gzip -6 | wc -c')
    const extract = await extractByMmdebstrap(image, build, work)
    const peerTar = await sum([extract], 'wc -c < "$1"')
    const peerGzip = await sum([extract], 'gzip -6 < "$1" | wc -c')
    return { title: build.title, stored, tar, gzip, peerTar, peerGzip }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function sum(files: readonly string[], line: string): Promise<number> {
  let bytes = 0
  for (const file of files) bytes += Number(await runShell(line, file))
  return bytes
}

/** From a local repository that holds exactly the packages of the image, and an empty one for what its definition leaves out. */
async function extractByMmdebstrap({ platform }: CatalogueImage, build: CatalogueBuild, work: string): Promise<string> {
  const ends: (() => Promise<void>)[] = []
  try {
    const provided = build.without.map((name) => `${name} (= 9999)`).join(', ')
    const empty = { name: 'left-out', architecture: 'all', fields: { Provides: provided }, files: {} }
    const debs = [...(await realDebs(await debsOf(build))), ...(provided === '' ? [] : [empty])]
    const architecture = platform.replace('linux/', '')
    const { folder, suite } = await localArchive('extract', debs, ends, { architectures: [architecture] })
    const target = join(work, 'extract.tar')
    const names = build.built.packages.map(({ name }) => name)
    await runOrThrow([
      ...['mmdebstrap', '--quiet', '--mode=root', '--variant=extract', `--architectures=${architecture}`],
      `--include=${names.join(',')}`,
      ...PATH_OPTIONS.map((option) => `--dpkgopt=${option}`),
      ...[suite, target, `deb [trusted=yes] copy://${folder} ${suite} main`],
    ])
    return target
  } finally {
    for (const end of ends) await end()
  }
}

async function firstLine(...command: readonly string[]): Promise<string> {
  return (await runOrThrow(command)).split('\n')[0] ?? ''
}
