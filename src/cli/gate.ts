import type { SharedStore } from '#advisory'
import { parseReference } from '#oci'
import {
  applyExceptions,
  type Evaluator,
  type Excepted,
  type GateException,
  groupsOf,
  isClosed,
  judgePolicies,
  openEvaluator,
  parseExceptions,
} from '#policy'
import { openScanStore } from './archive-evidence.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { collectFacts, type FactOptions, type GatedImage } from './gate-facts.ts'
import { formatGateJson, gateLines } from './gate-page.ts'
import type { GatedSummary } from './gate-summary.ts'
import { type PolicySet, readPolicies } from './policy-files.ts'
import { readUpTo } from './read-up-to.ts'
import type { Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate gate`, as the command line gives them. */
export interface GateOptions extends FactOptions {
  /** Files of policies in place of the default set; `default` stands for it. */
  readonly policy?: readonly string[]
  readonly exceptions?: string
  /** Signs what came of it and attaches it: a key, or Vault's. */
  readonly attest?: string
  /** The same as whom a token names: a file, or `true` for the one that the environment has. */
  readonly attestIdentityToken?: string | true
  readonly fulcioUrl?: string
  readonly rekorUrl?: string
  readonly timestampUrl?: string
  readonly json?: boolean
  /** The advisories, where they are open already. */
  readonly advisories?: SharedStore
  /** Evaluates expressions, for who judges many images; one of its own unless given. */
  readonly evaluator?: Evaluator
}

/** Bytes of a file of exceptions. */
const LARGEST_EXCEPTIONS = 2 ** 21

/**
 * Holds an image against policies and prints each verdict with its reason. The status is "no" when a gate refuses the image,
 * "not done" when none does but one could not be decided. Rejects with `POLICY_INVALID`, `EXCEPTIONS_INVALID`,
 * `USAGE_INVALID`, and as reading the image does.
 */
export async function runGate(reference: string, options: GateOptions, terminal: Terminal): Promise<ExitStatus> {
  const attests = options.attest !== undefined || options.attestIdentityToken !== undefined
  if (attests && !['docker', 'oci'].includes(parseReference(reference).transport)) {
    const reason = 'evidence is kept in registries and in folders, oci:DIR[:TAG]'
    throw new UsageError('USAGE_INVALID', `cannot attach a summary to ${reference}: ${reason}`)
  }
  const judged = await judgeImage(reference, options, terminal)
  const { gated, sets, excepted, status } = judged
  const result = { reference, digest: gated.inventory.image.digest, gates: excepted.gates, sets }
  if (options.json === true) terminal.print(formatGateJson(result))
  else for (const line of gateLines(result, terminal)) terminal.print(line)
  if (attests) {
    const { attestSummary } = await import('./gate-summary.ts')
    await attestSummary(summaryOf(judged), summarySigning(options))
  }
  return status
}

/** An image that was held against policies. */
export interface JudgedByPolicies {
  readonly gated: GatedImage
  readonly sets: readonly PolicySet[]
  readonly excepted: Excepted
  /** What it came to: passed, refused, or not decided. */
  readonly status: ExitStatus
}

/** Holds an image against policies, with the exceptions that count. Rejects as `runGate` does. */
export async function judgeImage(
  reference: string,
  options: GateOptions,
  terminal: Terminal,
): Promise<JudgedByPolicies> {
  const sets = await readPolicies(options.policy ?? ['default'])
  const policies = sets.flatMap((set) => set.policies)
  const exceptions = await readExceptions(options.exceptions)
  const store = options.advisories?.current() ?? openScanStore()
  try {
    const wanted = groupsOf(policies)
    const gated = await collectFacts(reference, { wanted, options, store }, terminal)
    const judged = await judgedBy(options.evaluator, (evaluator) =>
      judgePolicies(policies, gated.facts, evaluator.over),
    )
    const today = new Date().toISOString().slice(0, 10)
    const excepted = applyExceptions(judged, exceptions, { names: namesOf(reference, gated), today })
    warnOfExceptions(excepted, terminal)
    return { gated, sets, excepted, status: statusOf(excepted) }
  } finally {
    store.close()
  }
}

/** Who is last at an evaluator that several share: it holds the facts of one image at a time. */
const turns = new WeakMap<Evaluator, Promise<unknown>>()

async function judgedBy<Result>(given: Evaluator | undefined, judge: (evaluator: Evaluator) => Promise<Result>) {
  if (given !== undefined) {
    const turn = (turns.get(given) ?? Promise.resolve()).then(() => judge(given))
    turns.set(
      given,
      turn.catch(() => undefined),
    )
    return await turn
  }
  await using evaluator = openEvaluator()
  return await judge(evaluator)
}

/** What is summed up of a judged image. */
export function summaryOf({ gated, sets, excepted, status }: JudgedByPolicies): GatedSummary {
  return { gated, sets, gates: excepted.gates, isPassed: status === exitStatus.done }
}

function summarySigning({ attest: key, attestIdentityToken: identityToken, signedAs, ...services }: GateOptions) {
  const { fulcioUrl, rekorUrl, timestampUrl, trustedRoot } = services
  return {
    ...(key === undefined ? {} : { key }),
    ...(identityToken === undefined ? {} : { identityToken }),
    ...(fulcioUrl === undefined ? {} : { fulcioUrl }),
    ...(rekorUrl === undefined ? {} : { rekorUrl }),
    ...(timestampUrl === undefined ? {} : { timestampUrl }),
    ...(trustedRoot === undefined ? {} : { trustedRoot }),
    ...(signedAs?.[0] === undefined ? {} : { signedAs: signedAs[0] }),
  }
}

function statusOf({ gates }: Excepted): ExitStatus {
  const closed = gates.filter(isClosed)
  if (closed.some(({ verdict }) => verdict.kind === 'refused')) return exitStatus.no
  return closed.length === 0 ? exitStatus.done : exitStatus.notDone
}

async function readExceptions(path: string | undefined): Promise<readonly GateException[]> {
  if (path === undefined) return []
  return parseExceptions((await readUpTo(path, LARGEST_EXCEPTIONS)).toString('utf8'), path)
}

/** The names by which exceptions know an image: as it was asked for, its repository, and both with its digest. */
function namesOf(text: string, { reference, inventory }: GatedImage): readonly string[] {
  const plain = text.replace(/^docker:\/\//, '')
  if (reference.transport !== 'docker') return [plain, inventory.image.digest]
  const repository = `${reference.registry}/${reference.repository}`
  return [plain, repository, `${repository}@${inventory.image.digest}`, inventory.image.digest]
}

function warnOfExceptions({ expired, strange }: Excepted, terminal: Terminal): void {
  for (const { place, policy, expires, owner } of expired) {
    terminal.warn(
      visibleText(`${place}: the exception from ${policy} expired on ${expires} and excepts nothing (${owner})`),
    )
  }
  for (const { place, policy } of strange) {
    terminal.warn(visibleText(`${place}: there is no policy ${policy} among those that are asked; it excepts nothing`))
  }
}
