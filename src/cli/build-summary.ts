import type { BuiltImage, EffectiveDefinition, Lock } from '#image'
import { formatPlatform, type ImageSource } from '#oci'
import type { Written } from './outputs.ts'
import { formatBytes, formatDuration, formatTable, type Terminal } from './terminal.ts'

/** How many members were at hand, and how many had to be made. */
export interface MemberCounts {
  readonly reused: number
  readonly made: number
}

/** Everything the end of a build tells. */
export interface BuildSummary {
  readonly effective: EffectiveDefinition
  readonly lock: Lock
  /** The lock file that was taken; `undefined` when the archive was asked. */
  readonly lockFile: string | undefined
  readonly built: readonly BuiltImage[]
  readonly image: ImageSource
  readonly written: readonly Written[]
  readonly members: MemberCounts
  /** What decoded packages: `own`, or the host's xz with its version. */
  readonly decoder: string
  readonly durations: ReadonlyMap<string, number>
}

/** How many of the biggest packages are listed. */
const LISTED = 8

/** Prints what was built, or all of it as one JSON document. */
export function printBuildSummary(summary: BuildSummary, asJson: boolean, terminal: Terminal): void {
  if (asJson) {
    terminal.print(JSON.stringify(summaryDocument(summary), null, 2))
    return
  }
  const { effective, image, built, written } = summary
  const bold = (text: string) => terminal.style('bold', text)
  const dim = (text: string) => terminal.style('dim', text)
  const title = [effective.image, ...(effective.variant === 'runtime' ? [] : [effective.variant])].join(' ')
  terminal.print(`${bold(title)}  ${dim(effective.description)}`)
  terminal.print()
  for (const line of packageLines(summary, terminal.width)) terminal.print(line)
  terminal.print()
  for (const line of factLines(summary, terminal.width)) terminal.print(line)
  terminal.print()
  terminal.print(`${bold('digest')}  ${image.top.descriptor.digest}`)
  for (const { place, pushed } of written) {
    const sent = pushed === undefined ? '' : dim(`  ${formatBytes(pushed.uploadedBytes)} sent`)
    terminal.print(`${bold('wrote')}   ${place}${sent}`)
  }
  const run = runLine(written, built)
  if (run !== undefined) terminal.print(`${bold('run')}     ${run}`)
}

/** The biggest packages of the first platform, and the rest in one line. */
function packageLines({ built, effective }: BuildSummary, width: number): string[] {
  const [first] = built
  if (first === undefined) return []
  const asked = new Set(effective.packages.map(({ name }) => name))
  const sizes = new Map(first.assembly.members.map((member) => [member.package, member.size]))
  const sorted = first.packages.toSorted((left, right) => (sizes.get(right.name) ?? 0) - (sizes.get(left.name) ?? 0))
  const rows = sorted.slice(0, LISTED).map((one) => {
    return [
      `  ${one.name}`,
      one.version,
      formatBytes(sizes.get(one.name) ?? 0),
      asked.has(one.name) ? 'asked for' : 'needed',
    ]
  })
  const rest = sorted.slice(LISTED)
  const restSize = rest.reduce((sum, one) => sum + (sizes.get(one.name) ?? 0), 0)
  return [
    ...formatTable(rows, { width, right: [2] }),
    ...(rest.length > 0 ? [`  and ${rest.length} more packages, ${formatBytes(restSize)}`] : []),
  ]
}

function factLines(summary: BuildSummary, width: number): string[] {
  const { built, effective, members, lockFile, lock, durations } = summary
  const rows: string[][] = built.map(({ image, packages, assembly }) => {
    const size = image.layers.reduce((sum, layer) => sum + layer.descriptor.size, 0)
    const facts = `${packages.length} packages, ${image.layers.length} layers, ${formatBytes(size)} compressed`
    return [formatPlatform(image.platform), `${facts}, ${formatBytes(unpackedSize(assembly))} unpacked`]
  })
  const left = Object.entries(effective.without).map(([name, reason]) => `${name} (${reason})`)
  const [user] = built.map((one) => one.user)
  if (user !== undefined) rows.push(['user', `${user.name ?? user.uid} (${user.uid}:${user.gid})`])
  rows.push(['packages', `${members.reused} from the cache, ${members.made} taken apart and compressed`])
  if (summary.decoder !== 'own') rows.push(['decoder', summary.decoder])
  for (const [number, reason] of left.entries()) rows.push([number === 0 ? 'left out' : '', reason])
  const files = omissionsOf(built)
  if (files !== '') rows.push([left.length === 0 ? 'left out' : '', files])
  rows.push([
    'source',
    lockFile ?? lock.observed.map(({ suite, date }) => `${suite} of ${date.slice(0, 10)}`).join(', '),
  ])
  rows.push(['tags', [...new Set(built.flatMap((one) => one.tags))].join(' ')])
  rows.push(['time', [...durations].map(([stage, time]) => `${stage} ${formatDuration(time)}`).join(', ')])
  return formatTable(rows, { width })
}

/** What path rules left out of the first platform's packages. */
function omissionsOf([first]: readonly BuiltImage[]): string {
  const omissions = first?.assembly.members.flatMap((member) => member.omissions) ?? []
  const sizes = new Map<string, number>()
  for (const { rule, size } of omissions) sizes.set(rule, (sizes.get(rule) ?? 0) + size)
  return [...sizes]
    .filter(([, size]) => size > 0)
    .map(([rule, size]) => `${rule} ${formatBytes(size)}`)
    .join(', ')
}

/** Bytes of the regular files of an image. */
export function unpackedSize({ tree }: BuiltImage['assembly']): number {
  let size = 0
  for (const entry of tree.entries()) size += entry.type === 'file' ? entry.size : 0
  return size
}

/** The line that runs the image, for the first output that something here can run. */
function runLine(written: readonly Written[], built: readonly BuiltImage[]): string | undefined {
  const [first] = built
  const output = written.find(({ kind }) => kind !== 'docker-archive')
  if (first === undefined || output === undefined) return undefined
  const ports = publishedPorts(first)
  const reference = output.kind === 'docker' ? output.place.replace(/^docker:\/\//, '') : output.place
  return ['podman run --rm', ...ports, reference].join(' ')
}

function publishedPorts({ ports }: BuiltImage): string[] {
  return ports.map((port) => `-p ${port.replace(/\/.*/, '')}:${port.replace(/\/tcp$/, '')}`)
}

/** The machine-readable form of the same summary; its keys are kept stable. */
function summaryDocument({
  effective,
  built,
  image,
  written,
  members,
  decoder,
  durations,
  lock,
  lockFile,
}: BuildSummary) {
  return {
    image: effective.image,
    variant: effective.variant,
    digest: image.top.descriptor.digest,
    platforms: built.map((one) => ({
      platform: formatPlatform(one.image.platform),
      digest: one.image.manifest.descriptor.digest,
      packages: one.packages.map(({ name, version, architecture, digest }) => ({
        name,
        version,
        architecture,
        digest,
      })),
      layers: one.image.layers.map(({ descriptor, diffId }) => ({
        digest: descriptor.digest,
        size: descriptor.size,
        diffId,
      })),
    })),
    user: built[0]?.user,
    tags: [...new Set(built.flatMap((one) => one.tags))],
    without: effective.without,
    members,
    decoder,
    lock: lockFile,
    observed: lock.observed,
    outputs: written,
    milliseconds: Object.fromEntries([...durations].map(([stage, time]) => [stage, Math.round(time)])),
  }
}
