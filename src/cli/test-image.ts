import { writeFile } from 'node:fs/promises'
import { type OpenedImage, openImage, parsePlatform, parseReference } from '#oci'
import {
  formatJunit,
  formatTestJson,
  formatTestTable,
  hasPassed,
  type ImageTest,
  type KnownImage,
  pickSandbox,
  type Sandbox,
  type TestImageOptions,
  type TestReport,
  testImage,
} from '#sandbox'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { HelperReferences, testable } from './helper-image.ts'
import { chooseTests, type TestChoice } from './image-tests.ts'
import type { SigningOptions } from './signatory.ts'
import type { Terminal } from './terminal.ts'
import { TestMemory } from './test-memory.ts'

/** The options of `casemate test`, as the command line gives them. Who signs, where somebody shall, attaches the result to the image. */
export interface TestOptions extends SigningOptions, TestChoice {
  readonly platform: string
  readonly sandbox?: string
  readonly junit?: string
  readonly signedAs?: string
  readonly fresh?: boolean
  readonly compare?: string
  readonly json?: boolean
}

/** Runs an image's tests and prints the report; the status says whether all passed. */
export async function runTest(reference: string, options: TestOptions, terminal: Terminal): Promise<ExitStatus> {
  if (options.compare !== undefined) {
    const { runTestComparison } = await import('./test-comparison.ts')
    return runTestComparison({ from: options.compare, to: reference }, options, terminal)
  }
  const isSigned = options.key !== undefined || options.identityToken !== undefined
  if (isSigned && parseReference(reference).transport !== 'docker') {
    throw new UsageError('USAGE_INVALID', `cannot attach the result to ${reference}: evidence is kept in registries`)
  }
  const platform = parsePlatform(options.platform)
  const image = await openImage(parseReference(reference), { platform })
  const helpers = new HelperReferences(platform)
  try {
    const { name, variant, tests, sources } = await chooseTests(image.config, reference, options)
    // What is signed is seen, not remembered.
    const run = {
      variant,
      tests,
      helpers,
      sandbox: await pickSandbox(options.sandbox),
      fresh: options.fresh === true || isSigned,
    }
    const report = await reportOn(image, run, terminal)
    if (options.junit !== undefined) {
      await writeFile(options.junit, formatJunit(report, `${name || reference} ${variant}`))
    }
    if (isSigned) {
      const { attestReport } = await import('./attest-report.ts')
      await attestReport(report, {
        sources,
        image,
        reference,
        signing: options,
        ...(options.signedAs === undefined ? {} : { signedAs: options.signedAs }),
      })
    }
    const { digest } = image.manifestDocument.descriptor
    terminal.print(options.json === true ? formatTestJson(report, digest) : formatTestTable(report))
    return hasPassed(report) ? exitStatus.done : exitStatus.no
  } finally {
    await helpers.close()
    await image.close()
  }
}

/** Which tests are run, and how. */
export interface TestRun {
  readonly tests: readonly ImageTest[]
  readonly variant: string
  readonly sandbox: Sandbox
  readonly helpers: HelperReferences
  /** Whether no result is inherited. */
  readonly fresh: boolean
  /** The image's files, where they are known. */
  readonly known?: KnownImage
  /** See `TestImageOptions`. */
  readonly turn?: TestImageOptions['turn']
}

/** Runs tests in an image; results are inherited from the cache, and kept there. Rejects as `testImage` does. */
export function reportOn(image: OpenedImage, run: TestRun, terminal: Terminal): Promise<TestReport> {
  const { tests, variant, sandbox, helpers, fresh, known, turn } = run
  return testImage({
    image: testable(image),
    tests,
    sandbox,
    variant,
    ...(known === undefined ? {} : { known }),
    ...(turn === undefined ? {} : { turn }),
    inheritance: {
      memory: new TestMemory(),
      manifest: image.manifestDocument.descriptor.digest,
      config: image.configDocument.descriptor.digest,
      helperDigest: async (name) => (await helpers.open(name)).manifestDocument.descriptor.digest,
      fresh,
      now: () => new Date().toISOString(),
    },
    openHelper: async (name) => testable(await helpers.open(name)),
    onProgress: ({ name }) => terminal.progress(name),
  })
}
