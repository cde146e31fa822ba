import { digestOf, type Json } from '#core'
import type { PreparedStage, StageWork } from '#factory'
import { openImage, parsePlatform } from '#oci'
import { hasPassed, type TestReport } from '#sandbox'
import { attestReport } from '../attest-report.ts'
import { HelperReferences } from '../helper-image.ts'
import { chooseTests } from '../image-tests.ts'
import { reportOn } from '../test-image.ts'
import { packageVersion } from '../version.ts'
import { referenceTo } from './build-stage.ts'
import { type BuiltVariant, buildOutput, lockOutput } from './stage-outputs.ts'
import { type FactoryTools, type OpenedOn, openedOn, repositoryOf, terminalOf } from './tools.ts'

/** A test that did not pass, in a few words. */
const LONGEST_REASON = 400

/**
 * The stage `test`: every variant's tests are run as the definition has them, on every platform, and what came of it is signed and
 * attached. A result is inherited while everything that the test read is what it was.
 */
export async function prepareTest(tools: FactoryTools, { run, image, outputs }: StageWork): Promise<PreparedStage> {
  const { variants } = buildOutput(outputs)
  const on = await openedOn(tools, image, { run, base: lockOutput(outputs).base })
  const { definition } = on.opened
  const testsOf = (variant: string) => definition.variants.get(variant)?.tests ?? []
  const { sandbox, version } = await tools.sandbox()
  return {
    input: {
      variants: variants.map(({ variant, manifests }) => {
        return { variant, manifests: [...manifests], tests: digestOf(JSON.stringify(testsOf(variant))) }
      }),
      ...{ sandbox: `${sandbox.name} ${version}`, program: packageVersion() },
    },
    async perform(signal) {
      const counts: Record<string, Json> = {}
      for (const built of variants) {
        if (testsOf(built.variant).length === 0) continue
        for (const { platform, digest } of built.manifests) {
          signal.throwIfAborted()
          const report = await testOne(tools, { image, on, digest, platform })
          if (!hasPassed(report)) return { kind: 'refused', reason: failuresOf(report, built, platform) }
          const inherited = report.results.filter((one) => one.inherited !== undefined).length
          counts[`${built.variant} ${platform}`] = { passed: report.results.length, inherited }
        }
      }
      return { kind: 'done', output: counts }
    },
    stands: async () => true,
  }
}

async function testOne(
  tools: FactoryTools,
  {
    image: name,
    on,
    digest,
    platform: text,
  }: { readonly image: string; readonly on: OpenedOn; readonly digest: string; readonly platform: string },
): Promise<TestReport> {
  const platform = parsePlatform(text)
  const reference = `docker://${repositoryOf(tools, name)}@${digest}`
  const made = tools.bench.made(name, digest)
  const image = made?.read.image ?? (await openImage(referenceTo(tools, name, digest), { platform }))
  const helpers = new HelperReferences(platform, (helper) => releasedReference(tools, helper))
  try {
    const chosen = await chooseTests(image.config, reference, { definition: on.reference, opened: on.opened })
    const { variant, tests, sources } = chosen
    const { sandbox } = await tools.sandbox()
    const known = made === undefined ? {} : { known: made.files }
    const turn = (work: () => Promise<TestReport>) => tools.bench.heavy.pass(work)
    const run = { variant, tests, helpers, sandbox, fresh: false, turn, ...known }
    const report = await reportOn(image, run, terminalOf(tools.terminal, name))
    const signing = { signatory: tools.signatory }
    const subjects = made === undefined ? {} : { subjects: made.read.subjects }
    await attestReport(report, { sources, image, reference, signing, ...subjects })
    await made?.repository.send()
    return report
  } finally {
    await helpers.close()
    await image.close()
  }
}

/** Where the latest release of an image lies; `undefined` for one that was never released here. */
async function releasedReference(tools: FactoryTools, image: string): Promise<string | undefined> {
  const release = await tools.store.releases.latest(image, 'runtime')
  return release === undefined ? undefined : `docker://${repositoryOf(tools, image)}@${release.digest}`
}

function failuresOf({ results }: TestReport, { variant }: BuiltVariant, platform: string): string {
  const failures = results.flatMap(({ name, verdict }) => {
    if (verdict.kind === 'passed') return []
    const why = verdict.kind === 'failed' ? verdict.reasons.join('; ') : verdict.reason
    return [`"${name}": ${why}`]
  })
  return `${variant} for ${platform}: ${failures.join(', ').slice(0, LONGEST_REASON)}`
}
