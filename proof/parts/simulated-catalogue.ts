import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OpenArchive, type OpenArchiveOptions, openArchive } from '#debian'
import { type FleetImage, lockedImage } from '#factory'
import { CURRENT_FORMAT, catalogueNames, type Lock, type OpenedDefinition, openDefinition, solveLock } from '#image'
import type { WeighedImage } from '../../test/stream/simulated-fleet.ts'

const PLATFORM = 'linux/amd64'

/** What teams add to bases: real packages, small and big. */
const EXTRAS = [
  ...['curl', 'libpq5', 'git', 'jq', 'libxml2', 'imagemagick', 'ghostscript', 'openssh-client', 'rsync', 'sqlite3'],
  ...['libsodium23', 'libxslt1.1', 'libtiff6', 'libwebp7', 'libheif1', 'poppler-utils', 'ffmpeg', 'graphviz', 'unzip'],
  ...[
    'libldap2',
    'krb5-user',
    'libmariadb3',
    'redis-tools',
    'dnsutils',
    'libvips42t64',
    'fonts-dejavu-core',
    'libpng16-16t64',
  ],
  ...[
    'libarchive13t64',
    'libssh2-1t64',
    'libyaml-0-2',
    'tini',
    'gnupg',
    'libexpat1',
    'libjpeg62-turbo',
    'libglib2.0-0t64',
  ],
]

/** The catalogue as it is solved today, with overlays on it, for one platform. */
export interface SimulatedCatalogue {
  readonly images: readonly WeighedImage[]
  readonly open: OpenArchive
  /** Overlays for which no packages can be selected, with the first reason. */
  readonly impossible: readonly string[]
}

/** Solves the catalogue and so many overlays, each a base with one more package: what a fleet of teams would have. */
export async function solveCatalogue(overlays: number): Promise<SimulatedCatalogue> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-stream-'))
  const archives = keptOpen()
  try {
    const bases = new Map<string, { opened: OpenedDefinition; lock: Lock }>()
    for (const name of await catalogueNames()) {
      const opened = await openDefinition(name, { workingFolder: folder })
      bases.set(name, { opened, lock: await lockOf(opened, archives.open) })
      console.error(`solved ${name}`)
    }
    const images = [...bases.values()].map(({ opened, lock }) => weigh(opened, lock, undefined))
    const names = [...bases.keys()]
    const impossible: string[] = []
    for (let number = 0; number < overlays; number++) {
      const from = names[number % names.length] ?? ''
      const extra = EXTRAS[Math.floor(number / names.length + number) % EXTRAS.length] ?? ''
      const name = `${teamOf(number, overlays)}-${String(number).padStart(3, '0')}`
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'casemate.yaml'), `image: ${name}\nfrom: ${from}\npackages: [${extra}]\n`)
      const opened = await openDefinition(`./${name}`, { workingFolder: folder })
      const below = bases.get(from)?.lock
      try {
        images.push(weigh(opened, await lockOf(opened, archives.open, below && { from, lock: below }), below))
      } catch (error) {
        impossible.push(`${extra} on ${from}: ${error instanceof Error ? error.message.split('\n', 1)[0] : error}`)
      }
      if (number % 100 === 99) console.error(`solved ${number + 1} overlays`)
    }
    return { images, open: await archives.open(archives.options), impossible }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The first fifth is a team with a freeze, the second one with a maintenance window, the others are free. */
function teamOf(number: number, overlays: number): string {
  return ['frozen', 'nightly-window'][Math.floor((5 * number) / overlays)] ?? 'team'
}

async function lockOf(
  { definition }: OpenedDefinition,
  open: (options: OpenArchiveOptions) => Promise<OpenArchive>,
  base?: { readonly from: string; readonly lock: Lock },
): Promise<Lock> {
  const common = { definition, platforms: [PLATFORM], format: CURRENT_FORMAT, place: {}, acceptExpired: false, open }
  const solved = await solveLock({ ...common, base })
  if (solved.kind === 'locked') return solved.lock
  throw new Error(solved.reasons.join('; '))
}

/** One archive for all images: opened once, closed with the process. */
function keptOpen() {
  const options: OpenArchiveOptions = { archives: ['debian-13'], architecture: 'amd64' }
  const opened = new Map<string, Promise<OpenArchive>>()
  const open = async (wanted: OpenArchiveOptions): Promise<OpenArchive> => {
    const key = `${wanted.archives.join()} ${wanted.architecture}`
    const known = opened.get(key) ?? openArchive(wanted)
    opened.set(key, known)
    return { ...(await known), close: () => {} }
  }
  return { options, open }
}

/** Layers of an image's own, each once though several variants have it, by the sizes of the .debs in it. */
function weigh({ definition }: OpenedDefinition, lock: Lock, below: Lock | undefined): WeighedImage {
  const image: FleetImage = lockedImage(definition, lock, () => true)
  const based = new Set((below?.platforms[PLATFORM]?.packages ?? []).map(({ name, version }) => `${name} ${version}`))
  const packages = (lock.platforms[PLATFORM]?.packages ?? []).filter((one) => !based.has(`${one.name} ${one.version}`))
  const layers = new Map<string, { packages: Set<string>; bytes: number }>()
  for (const variant of Object.keys(lock.definitions)) {
    for (const [, members] of Map.groupBy(packages, (one) => one.layers[variant])) {
      const own = members.filter(({ layers: places }) => places[variant] !== undefined)
      if (own.length === 0) continue
      const key = own.map(({ name }) => name).join()
      layers.set(key, {
        packages: new Set(own.map(({ name }) => name)),
        bytes: own.reduce((sum, { size }) => sum + size, 0),
      })
    }
  }
  return { ...image, layers: [...layers.values()] }
}
