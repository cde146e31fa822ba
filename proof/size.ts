import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hexOf, messageOf } from '#core'
import { parseBinaryPackage, parseDependencies, parseStanza, satisfies } from '#debian'
import { layersOf } from '#image'
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

/** Two weights of the same thing: ours and the other one's, in bytes. */
type Pair = readonly [ours: number, other: number]

/** What one image weighs. */
interface Sizes {
  readonly title: string
  /** The layers as they are stored, and each of them by `gzip -6`. */
  readonly stored: Pair
  /** Contents of the files of packages, against mmdebstrap's; then the same as tar, by `gzip -6`. */
  readonly files: Pair
  readonly compressed: Pair
  /** The whole image against mmdebstrap's: contents of files, and `gzip -6`. */
  readonly wholeFiles: Pair
  readonly wholeCompressed: Pair
}

/** dpkg's database, which extraction does not write, stands in the layers of packages, too. */
const DATABASE = 'var/lib/dpkg/*'

/**
 * Weighs every catalogue image: its layers against the same layers by `gzip -6`, and its packages against what
 * `mmdebstrap --variant=extract` makes of them under the same path rules. Holds when the first is 1.03 at most and the
 * contents of the second are no more; compressed, the order of the files alone makes some thousandths of difference.
 * What extraction leaves to maintainer scripts and dpkg is no part of that: the package database, effects, derived
 * effects; the last columns have the whole image. Arguments are the names of images, weighed in all variants and on both
 * platforms, or with CASEMATE_PROOF_VARIANTS=runtime as runtimes for amd64; all images' of those unless given. Needs root, for mmdebstrap.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const images = (await catalogueImages(only)).filter(({ variant, platform }) => {
    return (
      (only.length > 0 && process.env['CASEMATE_PROOF_VARIANTS'] !== 'runtime') ||
      (variant === 'runtime' && platform === 'linux/amd64')
    )
  })
  return weighImages(images)
}

/** Weighs these images; what cannot be weighed is named and does not hold. */
export async function weighImages(images: readonly CatalogueImage[]): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-size-'))
  try {
    const sizes: Sizes[] = []
    const faults: string[] = []
    for (const image of images) {
      try {
        sizes.push(await weigh(image, folder))
      } catch (error) {
        faults.push(
          `${image.name} ${image.variant} ${image.platform} could not be weighed: … ${messageOf(error).slice(-500)}`,
        )
      }
    }
    const lines = [
      `${await firstLine('gzip', '--version')}; ${await firstLine('mmdebstrap', '--version')}`,
      'kB of 1000 bytes. "stored": layers as stored, the same by gzip -6. "packages": contents of the files of packages, and',
      'those as tar by gzip -6, both against mmdebstrap extract. "image": with package database and effects, against the same.',
      '',
      `${''.padEnd(28)}${['stored / gzip -6', 'packages', 'packages, gzip -6', 'image', 'image, gzip -6'].map((title) => title.padStart(27)).join('')}`,
      ...sizes.map(rowOf),
      ...faults,
    ]
    return { holds: sizes.length > 0 && faults.length === 0 && sizes.every(isSmall), lines }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function ratio([ours, other]: Pair): number {
  return ours / other
}

function isSmall({ stored, files }: Sizes): boolean {
  return ratio(stored) <= MOST_OF_GZIP && ratio(files) <= 1
}

function rowOf(sizes: Sizes): string {
  const { title, stored, files, compressed, wholeFiles, wholeCompressed } = sizes
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(0).padStart(8)
  const cells = [stored, files, compressed, wholeFiles, wholeCompressed].map(
    (pair) => `  ${kilobytes(pair[0])} ${kilobytes(pair[1])}  ${ratio(pair).toFixed(3)} `,
  )
  return `${title.padEnd(28)}${cells.join('')}${isSmall(sizes) ? '' : ' NOT'}`.trimEnd()
}

async function weigh(image: CatalogueImage, folder: string): Promise<Sizes> {
  const work = join(folder, 'one')
  mkdirSync(work)
  try {
    const build = await buildCatalogueImage(image, work)
    const { layers } = build.built.image
    const blobs = layers.map(({ descriptor }) => join(build.layout, 'blobs/sha256', hexOf(descriptor.digest)))
    const ofPackages = blobs.slice(0, layersOf(build.lock, image.platform, image.variant).length)
    const extract = await extractByMmdebstrap(image, build, work)
    const extracted = {
      files: await sum([extract], `cat "$1" | ${CONTENTS}`),
      compressed: await sum([extract], 'gzip -6 < "$1" | wc -c'),
    }
    const gzip = await sum(blobs, 'gzip -dc "$1" | gzip -6 | wc -c')
    const bare = `gzip -dc "$1" | tar --delete --wildcards '${DATABASE}'`
    return {
      title: build.title,
      stored: [layers.reduce((total, { descriptor }) => total + descriptor.size, 0), gzip],
      files: [await sum(ofPackages, `${bare} | ${CONTENTS}`), extracted.files],
      compressed: [await sum(ofPackages, `${bare} | gzip -6 | wc -c`), extracted.compressed],
      wholeFiles: [await sum(blobs, `gzip -dc "$1" | ${CONTENTS}`), extracted.files],
      wholeCompressed: [gzip, extracted.compressed],
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Adds up the sizes of the regular files of a tar from standard input; tar itself stops reading at the end mark. */
const CONTENTS = `{ tar --list --verbose --numeric-owner; cat > /dev/null; } | awk '/^-/ { total += $3 } END { print total + 0 }'`

async function sum(files: readonly string[], line: string): Promise<number> {
  let bytes = 0
  for (const file of files) bytes += Number(await runShell(line, file))
  return bytes
}

/** From a local repository that holds exactly the packages of the image, and an empty one for what its definition leaves out. */
async function extractByMmdebstrap({ platform }: CatalogueImage, build: CatalogueBuild, work: string): Promise<string> {
  const ends: (() => Promise<void>)[] = []
  try {
    const provided = namesLeftOut(build)
      .flatMap((name) => standInVersions(name, build))
      .join(', ')
    // What depends on perl:any takes a package for it that lets its architecture be any.
    const fields = { Provides: provided, 'Multi-Arch': 'allowed' }
    const empty = { name: 'left-out', architecture: platform.replace('linux/', ''), fields, files: {} }
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

/** What packages of the image depend on and none of them is or provides: those that are left out, by whatever name they are wanted. */
function namesLeftOut({ built }: CatalogueBuild): readonly string[] {
  const stanzas = built.assembly.members.map(({ control }) => parseStanza(control, 'a package'))
  const packages = stanzas.map((stanza) => parseBinaryPackage(stanza))
  const there = new Set(packages.flatMap(({ name, provides }) => [name, ...provides.map((one) => one.name)]))
  const groups = packages.flatMap(({ preDepends, depends }) => [...preDepends, ...depends])
  const missing = groups.filter((group) => !group.some(({ name }) => there.has(name)))
  return [...new Set(missing.flatMap((group) => group.slice(0, 1).map(({ name }) => name)))].sort()
}

/** No package of Debian has a higher version: epochs have one digit. */
const HIGHEST = '9:9999'

/** What a package that is left out is provided as: a version that any lower bound takes, and one for each depender that wants others. */
function standInVersions(name: string, { built }: CatalogueBuild): string[] {
  const wanted = new Set([HIGHEST])
  for (const { control } of built.assembly.members) {
    const stanza = parseStanza(control, 'a package')
    const fields = ['pre-depends', 'depends'].flatMap((field) => parseDependencies(stanza.get(field) ?? ''))
    for (const { operator, version } of fields.flat().filter((relation) => relation.name === name)) {
      if (operator === undefined || version === undefined || satisfies(HIGHEST, operator, version)) continue
      // Who wants no later one wants that of its own source.
      wanted.add(operator === '=' ? version : (stanza.get('version') ?? ''))
    }
  }
  return [...wanted].map((version) => `${name} (= ${version})`)
}

async function firstLine(...command: readonly string[]): Promise<string> {
  return (await runOrThrow(command)).split('\n')[0] ?? ''
}
