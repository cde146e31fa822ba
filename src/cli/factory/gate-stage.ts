import { type Digest, digestOf } from '#core'
import { judgeEvidence, refusals } from '#evidence'
import type { PreparedStage, Release, StageWork } from '#factory'
import { type Gate, isClosed, type JudgedImage } from '#policy'
import { parseContract } from '#sandbox'
import { openScanStore } from '../archive-evidence.ts'
import { establish } from '../establish.ts'
import { exitStatus } from '../exit-status.ts'
import { type JudgedByPolicies, judgeImage, summaryOf } from '../gate.ts'
import { type PromisedContract, promisedBy } from '../gate-previous.ts'
import { attestSummary } from '../gate-summary.ts'
import { readPolicies } from '../policy-files.ts'
import { readUpTo } from '../read-up-to.ts'
import { packageVersion } from '../version.ts'
import {
  type BuiltVariant,
  buildOutput,
  type GatedManifest,
  type GateOutput,
  gateOutput,
  lockOutput,
} from './stage-outputs.ts'
import { type FactoryTools, type OpenedOn, openedOn, repositoryOf, terminalOf } from './tools.ts'

/** Bytes of a file of exceptions. */
const LARGEST_EXCEPTIONS = 2 ** 21
const LONGEST_REASON = 600

/**
 * The stage `gate`: every manifest is held against the policies, by the evidence that is attached to it and believed by our own key, and
 * against what the release before has promised. What came of it is signed and attached. What could not be decided is no pass.
 */
export async function prepareGate(tools: FactoryTools, { run, image, outputs }: StageWork): Promise<PreparedStage> {
  const { variants } = buildOutput(outputs)
  const { policy = ['default'], exceptions } = tools.options
  const texts = (await readPolicies(policy)).map(({ text }) => digestOf(Buffer.from(text)))
  return {
    input: {
      variants: variants.map(({ variant, manifests }) => ({ variant, manifests: [...manifests] })),
      policies: texts,
      exceptions: exceptions === undefined ? null : digestOf(await readUpTo(exceptions, LARGEST_EXCEPTIONS)),
      advisories: advisoryDigests(tools),
      // Policies count days.
      ...{ day: new Date().toISOString().slice(0, 10), program: packageVersion() },
    },
    async perform(signal) {
      const definition = await openedOn(tools, image, { run, base: lockOutput(outputs).base })
      const manifests: GatedManifest[] = []
      const attached: Record<string, Record<string, Digest>> = {}
      for (const built of variants) {
        const { variant } = built
        const judged = judgeMade(tools, image, built)
        for (const { platform, digest } of built.manifests) {
          signal.throwIfAborted()
          const gated = await gateOne(tools, {
            image,
            variant,
            digest,
            platform,
            definition,
            judged: judged?.get(digest),
          })
          if (gated.closed !== undefined)
            return { kind: 'refused', reason: `${variant} for ${platform}: ${gated.closed}` }
          if (gated.promised !== undefined) manifests.push({ digest, ...gated.promised })
        }
        if (judged !== undefined) attached[variant] = attachedTo(tools, image, built)
      }
      const output: GateOutput = { passed: variants.map(({ variant }) => variant), manifests, attached }
      return { kind: 'done', output }
    },
    stands: async () => true,
  }
}

/**
 * What is believed of the evidence of a variant that this process has made, of each manifest with its index; `undefined` where it was
 * made elsewhere, or somebody has not signed it who should have: then everything is read from the registry.
 */
function judgeMade(
  { bench, trust }: FactoryTools,
  image: string,
  { digest: top, manifests }: BuiltVariant,
): ReadonlyMap<string, JudgedImage> | undefined {
  const [first] = manifests
  const repository = first === undefined ? undefined : bench.made(image, first.digest)?.repository
  if (
    repository === undefined ||
    !manifests.every(({ digest }) => bench.made(image, digest)?.repository === repository)
  ) {
    return undefined
  }
  const judge = (subject: Digest) => {
    const found = { subject, items: repository.bundles(subject), others: [] }
    return judgeEvidence(found, { trust, repositories: [repository.name] })
  }
  const ofTop = judge(top)
  const judged = manifests.map(({ digest }) => [digest, digest === top ? ofTop : judge(digest)] as const)
  const isSigned = [ofTop, ...judged.map(([, one]) => one)].every((one) => {
    return refusals(one, { predicateTypes: [] }).length === 0
  })
  return isSigned ? new Map(judged.map(([digest, manifest]) => [digest, { top: ofTop, manifest }])) : undefined
}

/** The digests of everything that is attached to a variant, as a release has them. */
function attachedTo(
  { bench }: FactoryTools,
  image: string,
  { digest: top, manifests }: BuiltVariant,
): Record<string, Digest> {
  const attached: Record<string, Digest> = {}
  for (const { platform, digest } of manifests) {
    const repository = bench.made(image, digest)?.repository
    for (const [type, own] of repository?.attached(top) ?? []) attached[type] = own
    if (digest === top) continue
    for (const [type, own] of repository?.attached(digest) ?? []) attached[`${platform} ${type}`] = own
  }
  return attached
}

interface Gated {
  readonly image: string
  readonly variant: string
  readonly digest: string
  readonly platform: string
  readonly definition: OpenedOn
  readonly judged: JudgedImage | undefined
}

/** Why a manifest is kept out, in words; `undefined` where it passes. */
async function gateOne(
  tools: FactoryTools,
  { image, variant, digest, platform, definition, judged: believed }: Gated,
): Promise<{ readonly closed?: string; readonly promised?: PromisedContract }> {
  const before = await tools.store.releases.latest(image, variant)
  const promised = before === undefined ? undefined : await promisedBefore(tools, before, platform)
  const terminal = terminalOf(tools.terminal, image)
  const { signatory, bench, trust } = tools
  const made = bench.made(image, digest)
  const candidate = made && { ...made.read, ...(believed === undefined ? {} : { judged: believed }) }
  const judged = await judgeImage(
    `docker://${repositoryOf(tools, image)}@${digest}`,
    {
      ...{ platform, trust, definition: definition.reference, opened: definition.opened },
      ...{ evaluator: bench.evaluator, advisories: bench.advisories },
      ...(candidate === undefined ? {} : { candidate }),
      ...(before === undefined ? {} : { previous: `docker://${repositoryOf(tools, image)}@${before.digest}` }),
      ...(promised === undefined ? {} : { promised }),
      ...settingsOf(tools),
    },
    terminal,
  )
  await attestSummary(summaryOf(judged), { signatory, ...(made === undefined ? {} : { subjects: made.read.subjects }) })
  await made?.repository.send()
  if (judged.status === exitStatus.done) return { ...(await promisedNow(judged)) }
  return { closed: judged.excepted.gates.filter(isClosed).map(wordsOf).join('; ').slice(0, LONGEST_REASON) }
}

/** What an image promises, for the gate of the next release; what cannot be read is looked for then, and fails then. */
async function promisedNow({ gated }: JudgedByPolicies): Promise<{ readonly promised?: PromisedContract }> {
  const promised = await establish(async () => promisedBy(gated.account))
  return promised.known ? { promised: promised.value } : {}
}

/** What the gate of a release has put on record of what it promises. */
async function promisedBefore(
  { store }: FactoryTools,
  { run, image, manifests }: Release,
  platform: string,
): Promise<PromisedContract | undefined> {
  const digest = manifests.find((one) => one.platform === platform)?.digest
  if (run === undefined || digest === undefined) return undefined
  const records = await store.runs.records(run, [image])
  const gate = records.find((one) => one.stage === 'gate' && one.state === 'done')
  if (gate?.state !== 'done') return undefined
  const found = gateOutput({ gate: gate.output })?.manifests.find((one) => one.digest === digest)
  return found === undefined
    ? undefined
    : { contract: parseContract(JSON.stringify(found.contract)), version: found.version }
}

/** What the factory's options say of gates. */
function settingsOf({ options }: FactoryTools) {
  const { policy, exceptions, mirror, offline, acceptExpired, maxAge, stale } = options
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(exceptions === undefined ? {} : { exceptions }),
    ...(mirror === undefined ? {} : { mirror }),
    ...(offline === undefined ? {} : { offline }),
    ...(acceptExpired === undefined ? {} : { acceptExpired }),
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(stale === undefined ? {} : { stale }),
  }
}

function wordsOf({ policy, verdict }: Gate): string {
  if (verdict.kind === 'refused') {
    const [first = 'refused', ...more] = verdict.violations
    return `${policy.name}: ${first}${more.length > 0 ? ` and ${verdict.count - 1} more` : ''}`
  }
  return `${policy.name} could not be decided: ${verdict.kind === 'undecided' ? verdict.reason : verdict.kind}`
}

function advisoryDigests({ bench }: FactoryTools): readonly string[] {
  const store = bench.advisories.current() ?? openScanStore()
  try {
    return store.parts.map(({ digest }) => digest)
  } finally {
    store.close()
  }
}
