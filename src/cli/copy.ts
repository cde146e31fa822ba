import { type CopyProgress, type CopyReport, copyWithEvidence } from '#evidence'
import {
  formatReference,
  type LayoutReference,
  LayoutRepository,
  layoutTag,
  parseReference,
  RegistryClient,
  type RegistryOptions,
  type RegistryReference,
  type Repository,
  readAuthorities,
} from '#oci'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate copy`, as the command line gives them. */
export interface CopyVerbOptions {
  readonly ca?: string
  readonly json?: boolean
}

/** A side of a copy: where it is, opened. */
interface Side {
  readonly reference: RegistryReference | LayoutReference
  readonly repository: Repository
}

/** An image may have many gigabytes, and a line between two networks few megabits. */
const DEADLINE = 24 * 3_600_000
/** How often progress is shown, in milliseconds. */
const PROGRESS_INTERVAL = 100

/** Copies an image with everything that is said about it, and prints what was carried. Rejects as `copyWithEvidence` does. */
export async function runCopy(
  names: { source: string; destination: string },
  options: CopyVerbOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const source = carriable(names.source, 'from')
  const destination = carriable(names.destination, 'to')
  const authorities = options.ca === undefined ? [] : await readAuthorities(options.ca)
  const registryOptions = { authorities, deadline: DEADLINE }
  const opened: Repository[] = []
  const open = async (reference: Side['reference']): Promise<Side> => {
    const repository = await openRepository(reference, registryOptions)
    opened.push(repository)
    return { reference, repository }
  }
  try {
    const from = await open(source)
    const to = await open(destination)
    const { reference, tag } = await imageOf(from)
    const target = { ...destination, ...tagFor(destination, tag) }
    terminal.progress('looking for what is said about the image …')
    const report = await copyWithEvidence(from.repository, to.repository, reference, {
      tag: target.tag,
      ...('digest' in target && target.digest !== undefined ? { digest: target.digest } : {}),
      onProgress: progressOn(terminal),
    })
    terminal.progress('')
    printReport(report, { source, destination: target }, options.json === true, terminal)
    return exitStatus.done
  } finally {
    await Promise.all(opened.map((repository) => repository.close()))
  }
}

/** Reads a reference to what can hold evidence. Throws `REFERENCE_INVALID`, `USAGE_INVALID`. */
function carriable(text: string, direction: 'from' | 'to'): Side['reference'] {
  const reference = parseReference(text)
  if (reference.transport === 'docker' || reference.transport === 'oci') return reference
  const reason = 'an archive has no place for what refers to an image; want docker://… or oci:DIR[:TAG]'
  throw new UsageError('USAGE_INVALID', `cannot copy ${direction} ${text}: ${reason}`)
}

async function openRepository(reference: Side['reference'], options: RegistryOptions): Promise<Repository> {
  if (reference.transport === 'docker') return new RegistryClient(reference, options)
  return LayoutRepository.open(reference.directory)
}

/** What to copy, by tag or digest, and the tag that it has there. */
async function imageOf({ reference, repository }: Side): Promise<{ reference: string; tag: string | undefined }> {
  if (repository instanceof LayoutRepository) {
    const found = await repository.findImage(reference.tag)
    return { reference: found.digest, tag: layoutTag(found) }
  }
  const digest = 'digest' in reference ? reference.digest : undefined
  return { reference: digest ?? reference.tag ?? 'latest', tag: reference.tag }
}

function tagFor(destination: Side['reference'], tag: string | undefined): { tag?: string } {
  const chosen = destination.tag ?? (destination.transport === 'oci' ? tag : undefined)
  return chosen === undefined ? {} : { tag: chosen }
}

/** Shows how far a copy is, a few times a second. */
function progressOn(terminal: Terminal): ((progress: CopyProgress) => void) | undefined {
  if (!terminal.isLive) return undefined
  let next = 0
  return ({ blobs, bytes }) => {
    const now = performance.now()
    if (now < next) return
    next = now + PROGRESS_INTERVAL
    const sizes = `${formatBytes(bytes.done)} of ${formatBytes(bytes.all)}`
    terminal.progress(`copying ${sizes}, ${blobs.done} of ${blobs.all} blobs`)
  }
}

function printReport(
  report: CopyReport,
  { source, destination }: { source: Side['reference']; destination: Side['reference'] },
  asJson: boolean,
  terminal: Terminal,
): void {
  const places = { source: formatReference(source), destination: formatReference(destination) }
  if (asJson) {
    terminal.print(JSON.stringify({ ...places, ...report }, null, 2))
    return
  }
  const { signatures, statements, blobs } = report
  const title = (text: string) => text.padEnd(10)
  terminal.print(`${title('copied')}  ${terminal.style('bold', visibleText(places.destination))}`)
  terminal.print(`${title('digest')}  ${report.digest}`)
  const rows = [
    ['images', String(report.images), ''],
    ['signatures', String(signatures.tagged), `under tags, ${signatures.bundled} as bundles`],
    ['statements', String(statements.tagged), `under tags, ${statements.bundled} as bundles`],
    ['others', String(report.others), report.others === 0 ? '' : 'that refer to any of these'],
  ]
  for (const line of formatTable(rows, { width: terminal.width, right: [1] })) terminal.print(line)
  const moved = [
    `${report.manifests} manifests`,
    `${blobs.uploaded} blobs`,
    ...(blobs.mounted > 0 ? [`${blobs.mounted} blobs taken over within the registry`] : []),
    ...(blobs.present > 0 ? [`${blobs.present} were there`] : []),
  ]
  const sizes = `${formatBytes(report.uploadedBytes)} of ${formatBytes(report.bytes)}`
  terminal.print(`${title('sent')}  ${sizes}: ${moved.join(', ')}`)
  if (signatures.tagged + signatures.bundled > 0) return
  terminal.warn('no signature was found with the image, so there is none at the destination')
}
