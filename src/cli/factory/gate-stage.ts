import { digestOf } from '#core'
import type { PreparedStage, StageWork } from '#factory'
import { type Gate, isClosed } from '#policy'
import { openScanStore } from '../archive-evidence.ts'
import { exitStatus } from '../exit-status.ts'
import { judgeImage, summaryOf } from '../gate.ts'
import { attestSummary } from '../gate-summary.ts'
import { readPolicies } from '../policy-files.ts'
import { readUpTo } from '../read-up-to.ts'
import { packageVersion } from '../version.ts'
import { definitionOn } from './moved-base.ts'
import { buildOutput, lockOutput } from './stage-outputs.ts'
import { type FactoryTools, repositoryOf, terminalOf } from './tools.ts'

/** Bytes of a file of exceptions. */
const LARGEST_EXCEPTIONS = 2 ** 21
const LONGEST_REASON = 600

/**
 * The stage `gate`: every manifest is held against the policies, by the evidence that is attached to it and believed by our own key, and
 * against what the release before has promised. What came of it is signed and attached. What could not be decided is no pass.
 */
export async function prepareGate(tools: FactoryTools, { image, outputs }: StageWork): Promise<PreparedStage> {
  const { variants } = buildOutput(outputs)
  const { policy = ['default'], exceptions } = tools.options
  const texts = (await readPolicies(policy)).map(({ text }) => digestOf(Buffer.from(text)))
  return {
    input: {
      variants: variants.map(({ variant, manifests }) => ({ variant, manifests: [...manifests] })),
      policies: texts,
      exceptions: exceptions === undefined ? null : digestOf(await readUpTo(exceptions, LARGEST_EXCEPTIONS)),
      advisories: advisoryDigests(),
      // Policies count days.
      ...{ day: new Date().toISOString().slice(0, 10), program: packageVersion() },
    },
    async perform(signal) {
      const definition = await definitionOn(tools, image, lockOutput(outputs).base)
      for (const { variant, manifests } of variants) {
        for (const { platform, digest } of manifests) {
          signal.throwIfAborted()
          const closed = await gateOne(tools, { image, variant, digest, platform, definition })
          if (closed !== undefined) return { kind: 'refused', reason: `${variant} for ${platform}: ${closed}` }
        }
      }
      return { kind: 'done', output: { passed: variants.map(({ variant }) => variant) } }
    },
    stands: async () => true,
  }
}

interface Gated {
  readonly image: string
  readonly variant: string
  readonly digest: string
  readonly platform: string
  /** Its reference. */
  readonly definition: string
}

/** Why a manifest is kept out, in words; `undefined` where it passes. */
async function gateOne(
  tools: FactoryTools,
  { image, variant, digest, platform, definition }: Gated,
): Promise<string | undefined> {
  const before = await tools.store.releases.latest(image, variant)
  const terminal = terminalOf(tools.terminal, image)
  const judged = await judgeImage(
    `docker://${repositoryOf(tools, image)}@${digest}`,
    {
      ...{ platform, trust: tools.trust, definition },
      ...(before === undefined ? {} : { previous: `docker://${repositoryOf(tools, image)}@${before.digest}` }),
      ...settingsOf(tools),
    },
    terminal,
  )
  await attestSummary(summaryOf(judged), { signatory: tools.signatory })
  if (judged.status === exitStatus.done) return undefined
  return judged.excepted.gates.filter(isClosed).map(wordsOf).join('; ').slice(0, LONGEST_REASON)
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

function advisoryDigests(): readonly string[] {
  const store = openScanStore()
  try {
    return store.parts.map(({ digest }) => digest)
  } finally {
    store.close()
  }
}
