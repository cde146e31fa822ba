import { type ArchivePackage, parseBinaryPackage, parseStanza } from '#debian'
import {
  type BuiltImage,
  type LockedPackage,
  type MemberIndex,
  openDefinition,
  packageKey,
  pathRules,
  type TreeEntry,
} from '#image'
import { type ChainLink, explainPackage, type Selection } from '#solver'
import { variantOf } from './build.ts'
import { buildPlatforms } from './build-platforms.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { type ExplainSides, explainSides } from './explain-sides.ts'
import { provideLock } from './lock-choice.ts'
import { placeOf } from './place.ts'
import { Stages } from './stages.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate explain`, as the command line gives them. */
export interface ExplainOptions extends PlaceOptions {
  readonly variant: string
  readonly platform: string
  readonly json?: boolean
  /** Print what the definition says in the end, and who says it. */
  readonly effective?: boolean
}

/**
 * Prints why a package or a path is in an image, or why it is not; the status is "no" when nothing is known of it. With
 * `effective` prints the definition as it is once everything it extends or stacks on is merged in; nothing is solved for that.
 */
export async function runExplain(
  reference: string,
  what: string | undefined,
  options: ExplainOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const stages = new Stages(terminal)
  const opened = await openDefinition(reference, { workingFolder: process.cwd() })
  const effective = variantOf(opened, options.variant)
  if ((what === undefined) !== (options.effective === true)) {
    const reason = 'want either --effective, or a package or path to explain'
    throw new UsageError('USAGE_INVALID', `cannot explain ${reference}: ${reason}`)
  }
  if (what === undefined) {
    const { printEffective } = await import('./explain-effective.ts')
    printEffective(opened, effective, { asJson: options.json === true, terminal })
    return exitStatus.done
  }
  const platforms = [options.platform]
  const place = await placeOf(options, opened.files)
  const choice = await stages.run('solve', () =>
    provideLock(opened, { platforms, place, acceptExpired: options.acceptExpired === true }),
  )
  if (choice.kind === 'impossible') {
    for (const reason of choice.reasons) terminal.print(reason)
    return exitStatus.no
  }
  const order = { opened, effective, lock: choice.lock, platforms, place, options: {} }
  const { built } = await stages.run('build', () => buildPlatforms(order, stages))
  const [image] = built
  if (image === undefined)
    throw new UsageError('USAGE_INVALID', `cannot explain ${reference}: it was not built for ${options.platform}`)
  const sides = explainSides(opened, effective, { lock: choice.lock, platform: options.platform })
  const answer = what.startsWith('/')
    ? explainPath(image, what, sides)
    : explainName(image, what, { selection: selectionOf(image, effective), sides })
  if (options.json === true) terminal.print(JSON.stringify({ what, ...answer }, null, 2))
  else for (const line of answer.lines) terminal.print(line)
  return answer.isKnown ? exitStatus.done : exitStatus.no
}

interface Answer {
  readonly isKnown: boolean
  readonly lines: readonly string[]
}

/** The selection that a lock stands for: what packages need is read from the packages themselves. */
function selectionOf(
  image: BuiltImage,
  { packages: requests, without }: { packages: Selection['requests']; without: Readonly<Record<string, string>> },
): Selection {
  const members = new Map(image.assembly.members.map((member) => [packageKey(binaryOf(member)), member]))
  const packages = image.packages.flatMap((locked): ArchivePackage[] => {
    const member = members.get(packageKey(locked))
    return member === undefined ? [] : [{ ...binaryOf(member), ...fileOf(locked) }]
  })
  const leftOut = Object.entries(without).map(([name, reason]) => ({ name, reason, neededBy: [] }))
  const architecture = packages.find((one) => one.architecture !== 'all')?.architecture ?? 'all'
  return { architecture, requests, packages, leftOut }
}

function binaryOf(member: MemberIndex) {
  return parseBinaryPackage(parseStanza(member.control, `control file of ${member.package}`))
}

function fileOf({ filename, size, digest, archive, suite }: LockedPackage) {
  return { filename, size, digest, archive, suite }
}

function explainName(
  image: BuiltImage,
  name: string,
  { selection, sides }: { selection: Selection; sides: ExplainSides },
): Answer {
  const removal = sides.removal(name)
  if (removal !== undefined)
    return { isKnown: true, lines: [`${name} of the base is removed by the overlay: ${removal}`] }
  const left = selection.leftOut.find((one) => one.name === name)
  if (left !== undefined) return { isKnown: true, lines: [`${name} is left out by the definition: ${left.reason}`] }
  const locked = image.packages.find((one) => one.name === name)
  const member = image.assembly.members.find((one) => one.package === name)
  if (locked === undefined || member === undefined) return { isKnown: false, lines: [`${name} is not in the image`] }
  const chain = explainPackage(selection, name) ?? []
  const files = member.entries.filter(({ type }) => type !== 'directory').length
  const side = sides.ofPackage(locked)
  const rows = [
    ...(side === undefined ? [] : [['part of', side]]),
    ['from', `${locked.archive}/${locked.suite}, ${locked.filename}`],
    ['source', `${locked.source.name} ${locked.source.version}`],
    ['digest', locked.digest],
    ['holds', `${files} files, ${formatBytes(member.size)} compressed`],
    ...omissionRows(member),
  ]
  return {
    isKnown: true,
    lines: [
      `${name} ${locked.version}`,
      ...chain.map(chainLine),
      ...formatTable(
        rows.map(([key = '', value = '']) => [`  ${key}`, value]),
        { width: 1000 },
      ),
    ],
  }
}

function chainLine(link: ChainLink, depth: number): string {
  const { package: one, field, relation } = link
  const why = field === undefined ? 'asked for by the definition' : `${field}: ${relation}`
  return `${'  '.repeat(depth + 1)}${depth === 0 ? '' : '└ '}${one.name} (${why})`
}

/** What rules left out of a package, a row for each rule. */
function omissionRows(member: MemberIndex): string[][] {
  const rules = new Map<string, { paths: number; size: number }>()
  for (const { rule, size } of member.omissions) {
    const known = rules.get(rule) ?? { paths: 0, size: 0 }
    rules.set(rule, { paths: known.paths + 1, size: known.size + size })
  }
  return [...rules].map(([rule, { paths, size }]) => [
    'left out',
    `${paths} paths, ${formatBytes(size)}: ${reasonOf(rule)}`,
  ])
}

/** A path rule's own words, or the edit's or the special rule's name. */
function reasonOf(rule: string): string {
  if (rule === 'setuid') return 'the setuid and setgid bits of files'
  if (rule === 'extended-attributes') return 'extended attributes, which dpkg would not have kept either'
  const known = pathRules.find(({ name }) => name === rule)
  return known === undefined ? rule : `${known.reason} (rule ${known.name})`
}

function explainPath(image: BuiltImage, path: string, sides: ExplainSides): Answer {
  const { tree, members } = image.assembly
  const entry = tree.get(path) ?? tree.get(tree.resolve(path) ?? '')
  if (entry !== undefined) return { isKnown: true, lines: entryLines(path, entry, { ...image, sides }) }
  const omitted = members.flatMap((member) =>
    member.omissions.filter((one) => one.path === path).map((one) => ({ member, one })),
  )
  if (omitted.length === 0)
    return { isKnown: false, lines: [`${path} is not in the image, and no package of it ships such a path`] }
  return {
    isKnown: true,
    lines: omitted.map(({ member, one }) => `${path} of ${member.package} is left out: ${reasonOf(one.rule)}`),
  }
}

function entryLines(
  path: string,
  entry: TreeEntry,
  { packages, assembly, taken, sides }: BuiltImage & { readonly sides: ExplainSides },
): string[] {
  const { origin } = entry
  const locked = origin.kind === 'package' ? packages.find(({ name }) => name === origin.name) : undefined
  const from =
    locked !== undefined
      ? `package ${locked.name} ${locked.version} (source ${locked.source.name} ${locked.source.version})`
      : origin.kind === 'effect'
        ? `effect ${origin.name}`
        : 'the definition'
  const setuid = assembly.members
    .flatMap(({ omissions }) => omissions)
    .some((one) => one.path === entry.path && one.rule === 'setuid')
  const target = 'target' in entry ? ` to ${entry.target}` : ''
  const side = locked === undefined ? undefined : sides.ofPackage(locked)
  const declared = sides.ofPath(entry.path)
  const rows = [
    ['from', from],
    ...(side === undefined ? [] : [['part of', side]]),
    ...(declared === undefined ? [] : [['declared', declared]]),
    ...taken
      .filter(({ paths }) => paths.includes(entry.path))
      .map(({ at, digest, from: place }) => ['taken in', `from ${at}${place === '' ? '' : `, ${place}`} (${digest})`]),
    ['type', `${entry.type}${target}`],
    [
      'mode',
      `${entry.mode.toString(8).padStart(4, '0')}, owner ${entry.uid}:${entry.gid}${setuid ? '; setuid was taken away' : ''}`,
    ],
    ...(entry.type === 'file'
      ? [
          ['size', formatBytes(entry.size)],
          ['digest', entry.digest],
        ]
      : []),
  ]
  const name = entry.path === path ? path : `${path} is ${entry.path}`
  return [
    name,
    ...formatTable(
      rows.map(([key = '', value = '']) => [`  ${key}`, value]),
      { width: 1000 },
    ),
  ]
}
