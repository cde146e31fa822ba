import type { ImageFile, ImageFiles } from '#oci'
import type { DebComponent } from '#sbom'
import { type ProcessStart, type ReachStep, Walk } from './walk.ts'

/** How a package stands to what an image starts; the strongest first. */
export const REACH_STATES = ['loaded', 'can be loaded', 'not reached', 'no analysis'] as const

/** One of `REACH_STATES`. */
export type ReachState = (typeof REACH_STATES)[number]

/** Whether a package's code can come to be run. */
export interface PackageReach {
  readonly name: string
  readonly architecture: string
  readonly state: ReachState
  /** From the entrypoint to a file of the package; empty unless it is reached. */
  readonly chain: readonly ReachStep[]
  /** Why nothing is said, with `no analysis` and only there. */
  readonly reason?: string
}

/** What an image's entrypoint can load. */
export interface ImageReach {
  /** In the order of the packages that were asked about. */
  readonly packages: readonly PackageReach[]
  /** Why more may be loaded than was seen, a line each, sorted. While there is one, `not reached` proves nothing. */
  readonly limits: readonly string[]
  /** Files that could not be read, a line each, sorted. */
  readonly faults: readonly string[]
}

const LOADER_FILES = /^\/etc\/(?:nsswitch\.conf|ld\.so\.(?:conf|preload|conf\.d\/[^/]+))$/
const MAX_FILE = 512 * 2 ** 20

/** Whether the analysis needs a file's content: programs, libraries, scripts, the loader's configuration. */
export function isReachPath({ path, type, mode, size }: Pick<ImageFile, 'path' | 'type' | 'mode' | 'size'>): boolean {
  if (type !== 'file' || size > MAX_FILE) return false
  return (mode & 0o111) !== 0 || /\.so(?:\.|$)|\.node$/.test(path) || LOADER_FILES.test(path)
}

/**
 * Says of each package whether what the image starts can load it: `loaded` by what headers say, `can be loaded` where a text
 * names it or a runtime can import it, `not reached` where it has programs or libraries and nothing leads to them, and
 * `no analysis` where it has neither. `files` must have been read with the content of what `isReachPath` says. Nothing is run.
 */
export function analyseReach(
  files: ImageFiles,
  packages: readonly Pick<DebComponent, 'name' | 'architecture' | 'files'>[],
  start: ProcessStart,
): ImageReach {
  const walk = new Walk(files, start)
  const found = packages.map((one): PackageReach => {
    const { name, architecture } = one
    return { name, architecture, ...standing(one.files, { walk, files, start }) }
  })
  const tooLarge = [...files.entries()]
    .filter(({ type, size }) => type === 'file' && size > MAX_FILE)
    .map(({ path }) => `cannot read ${path}: it has more than ${MAX_FILE} bytes`)
  const faults = [...walk.search.faults.values(), ...tooLarge].sort()
  const limits = [...walk.limits, ...(faults.length === 0 ? [] : [`${faults.length} files could not be read`])].sort()
  return { packages: found, limits, faults }
}

/** Writes a chain on one line: `starts /usr/sbin/nginx, which needs /usr/lib/…/libssl.so.3`. */
export function formatChain(chain: readonly ReachStep[]): string {
  return chain.map(({ how, path }, index) => `${index > 0 ? 'which ' : ''}${how} ${path}`).join(', ')
}

interface Analysis {
  readonly walk: Walk
  readonly files: ImageFiles
  readonly start: ProcessStart
}

function standing(
  paths: readonly string[],
  { walk, files, start }: Analysis,
): Pick<PackageReach, 'state' | 'chain' | 'reason'> {
  const none = { state: 'no analysis', chain: [] } as const
  if (start.command.length === 0) return { ...none, reason: 'the image has no entrypoint' }
  if (walk.reached.size === 0) return { ...none, reason: `the image has no program ${start.command[0]}` }
  const reached = paths.flatMap((path) => walk.reached.get(path) ?? [])
  const certain = reached.find(({ isCertain }) => isCertain)
  if (certain !== undefined) return { state: 'loaded', chain: certain.chain }
  const [hinted] = reached
  if (hinted !== undefined) return { state: 'can be loaded', chain: hinted.chain }
  for (const [folder, chain] of walk.folders) {
    const path = paths.find((each) => each.startsWith(`${folder}/`))
    if (path !== undefined) return { state: 'can be loaded', chain: [...chain, { how: 'imports', path }] }
  }
  const unreadable = paths.find((path) => walk.search.faults.has(path))
  if (unreadable !== undefined) return { ...none, reason: `${unreadable} cannot be read as ELF` }
  const hasCode = paths.some((path) => files.get(path)?.type !== 'symlink' && walk.search.elfAt(path) !== undefined)
  if (hasCode) return { state: 'not reached', chain: [] }
  return { ...none, reason: 'it has no program or library: who reads its data and scripts is not followed' }
}
