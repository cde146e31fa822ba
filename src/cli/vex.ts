import { readFile } from 'node:fs/promises'
import type { OpenStore } from '#advisory'
import { faultsOf, formatFault, parseYaml, type Shape } from '#core'
import { type Matches, matchPackages, releaseOf, type VexPolicy, vexStatements } from '#match'
import { formatChain, type ImageReach } from '#reach'
import type { Inventory } from '#sbom'
import { formatVexDocument } from '#vex'
import { openCachedStore, warnOfStale } from './advisories.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { DEBIAN_KINDS, requireDebian } from './image-findings.ts'
import { readInventory } from './image-inventory.ts'
import { readImageNames } from './image-names.ts'
import { readReach } from './image-reach.ts'
import { printOutput } from './print-output.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate vex`, as the command line gives them. */
export interface VexOptions {
  readonly platform: string
  readonly author: string
  readonly imageLevel?: boolean
  readonly policy?: string
  readonly unimportant?: 'not-affected'
  readonly reachPolicy?: string
  readonly output?: string
  /** A folder of documents by package, to be written or updated. */
  readonly repository?: string
  /** Where clients get that, as an archive. */
  readonly repositoryUrl?: string
}

/** What a policy allows beyond Debian's own words. */
interface Policy {
  readonly unimportant: boolean
  readonly notReached: boolean
}

const policyShape: Shape = {
  type: 'object',
  title: 'a policy',
  properties: {
    unimportant: { type: 'string', enum: ['not_affected'] },
    'not-reached': { type: 'string', enum: ['vulnerable_code_not_in_execute_path'] },
  },
  additionalProperties: false,
}

/**
 * Writes what Debian says of an image's packages as OpenVEX, dated by its evidence: the same image and advisories give the same
 * bytes. Throws `USAGE_INVALID` for a policy that cannot be kept, `VEX_EMPTY`, and as `casemate scan` does.
 */
export async function runVex(reference: string, options: VexOptions, terminal: Terminal): Promise<ExitStatus> {
  const store = openCachedStore()
  try {
    requireDebian(store)
    const policy = await policyOf(options)
    checkRepository(options, policy)
    terminal.progress(`reading ${reference} …`)
    const inventory = await readInventory(reference, options.platform)
    const matches = matchPackages(inventory.packages, releaseOf(inventory), store)
    const harmless = policy.notReached ? await unreached(reference, inventory, options.platform) : undefined
    terminal.progress('')
    for (const fault of inventory.faults) terminal.warn(visibleText(fault))
    warnOfStale(store.parts, Date.now(), terminal)
    warnOfUnstated(matches, policy, terminal)
    const { image, packages } = inventory
    const { names } = await readImageNames(reference, options.platform, image)
    const statements = vexStatements(matches, {
      images: names,
      packages,
      imageLevel: options.imageLevel === true,
      policy: {
        ...(policy.unimportant ? { unimportant: 'not-affected' as const } : {}),
        ...(harmless === undefined ? {} : { harmless }),
      },
    })
    const document = {
      author: options.author,
      timestamp: evidenceTime(image.created, store),
      tooling: `casemate-${packageVersion()}`,
      statements,
    }
    if (options.repository === undefined) {
      await printOutput(formatVexDocument(document), options.output, terminal)
      return exitStatus.done
    }
    const { updateVexRepository } = await import('./vex-repository.ts')
    const { changed, packages: known } = await updateVexRepository(options.repository, document, options.repositoryUrl)
    terminal.print(`wrote ${options.repository}: ${changed} documents new or changed, ${known} packages`)
    return exitStatus.done
  } finally {
    store.close()
  }
}

/** What a repository says of a package holds in every image, so nothing may stand in it that is true of one alone. */
function checkRepository({ repository, repositoryUrl, imageLevel, output }: VexOptions, policy: Policy): void {
  const refuse = (reason: string) => new UsageError('USAGE_INVALID', `cannot write a VEX repository: ${reason}`)
  if (repository === undefined) {
    if (repositoryUrl !== undefined) throw refuse('--repository-url says where one is to be had; want --repository DIR')
    return
  }
  if (output !== undefined) throw refuse('want one of --repository and --output, not both')
  if (imageLevel === true) throw refuse('it is of packages in any image; want it without --image-level')
  if (policy.notReached) throw refuse('what is not reached in one image may be reached in others; want no such policy')
  if (repositoryUrl !== undefined && !/^https:\/\/[^\s"\\]+$/.test(repositoryUrl)) {
    throw refuse(`"${repositoryUrl}" is no https:// address of an archive`)
  }
}

/** The newest of the image and of what Debian says: when the statements were known to be true. */
export function evidenceTime(created: string, { parts }: OpenStore): string {
  const dates = parts.filter(({ kind }) => DEBIAN_KINDS.includes(kind)).map(({ contentDate }) => contentDate)
  const times = [created, ...dates].map((text) => Date.parse(text)).filter((time) => !Number.isNaN(time))
  return new Date(Math.max(0, ...times)).toISOString()
}

function warnOfUnstated({ findings, silent }: Matches, policy: Policy, terminal: Terminal): void {
  const unimportant = findings.filter(({ status }) => status === 'unimportant').length
  if (unimportant > 0 && !policy.unimportant) {
    const how = 'OpenVEX has no word for it: --unimportant not-affected'
    terminal.warn(`nothing is stated of ${unimportant} issues that Debian calls unimportant; ${how}`)
  }
  if (silent.length > 0)
    terminal.warn(`nothing is stated of ${silent.length} source packages that the tracker has no entry for`)
}

/** What is known to be harmless because the entrypoint cannot load it. Throws `USAGE_INVALID` where the analysis has limits. */
async function unreached(
  reference: string,
  { packages }: Inventory,
  platform: string,
): Promise<NonNullable<VexPolicy['harmless']>> {
  const reach = await readReach(reference, platform, packages)
  const [limit] = reach.limits
  if (limit !== undefined) {
    const others =
      reach.limits.length > 1 ? ` (and ${reach.limits.length - 1} more; casemate scan --reach lists them)` : ''
    throw new UsageError(
      'USAGE_INVALID',
      visibleText(`cannot state that code is not reached in ${reference}: ${limit}${others}`),
    )
  }
  const states = new Map(reach.packages.map((one) => [`${one.name} ${one.architecture}`, one.state]))
  const impact = impactOf(reach)
  return ({ name, architecture }) => {
    if (states.get(`${name} ${architecture}`) !== 'not reached') return undefined
    return { justification: 'vulnerable_code_not_in_execute_path', impact }
  }
}

function impactOf({ packages }: ImageReach): string {
  const first = packages.find(({ state, chain }) => state === 'loaded' && chain.length > 0)?.chain.slice(0, 1) ?? []
  const loaded = packages.filter(({ state }) => state === 'loaded').length
  const maybe = packages.filter(({ state }) => state === 'can be loaded').length
  const method = 'ELF needs, run paths, interpreters, names of libraries and programs in texts'
  return `By policy: chain analysis of this image (${formatChain(first)}; ${method}) leads to ${loaded} packages for certain and ${maybe} more by hints, and to no file of this one.`
}

async function policyOf({ policy, unimportant, reachPolicy }: VexOptions): Promise<Policy> {
  const said = policy === undefined ? new Set<string>() : await readPolicy(policy)
  return {
    unimportant: unimportant !== undefined || said.has('unimportant'),
    notReached: reachPolicy !== undefined || said.has('not-reached'),
  }
}

/** The rules that a policy's file has. */
async function readPolicy(path: string): Promise<ReadonlySet<string>> {
  const refuse = (reason: string, cause?: unknown) =>
    new UsageError('USAGE_INVALID', `cannot use the policy ${path}: ${reason}`, { cause })
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw refuse('there is no such file, or it is closed to us', cause)
  })
  const document = parseYaml(text)
  if (!('value' in document)) throw refuse(document.map(({ message }) => message).join('; '))
  const faults = faultsOf(policyShape, document.value).map(formatFault)
  if (faults.length > 0) throw refuse(faults.join('; '))
  return new Set(Object.keys(Object(document.value)))
}
