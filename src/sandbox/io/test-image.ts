import { SandboxError } from '../errors.ts'
import { expandVariables } from '../expand-variables.ts'
import type { ImageTest } from '../image-test.ts'
import type { Sandbox } from '../sandbox.ts'
import type { TestReport, TestResult } from '../test-report.ts'
import { judge } from '../verdict.ts'
import { HelperImages } from './helper-images.ts'
import { type PreparedImage, prepareImage, type TestableImage } from './prepared-image.ts'
import { runTest } from './run-test.ts'

/** What `testImage` needs. */
export interface TestImageOptions {
  readonly image: TestableImage
  readonly tests: readonly ImageTest[]
  readonly sandbox: Sandbox
  /** Leaves out the tests that are for other variants; absent: none is left out. Those for other platforms always are. */
  readonly variant?: string
  /** Opens a helper image by the reference that a test has. Absent: tests with helpers are not run. */
  readonly openHelper?: (reference: string) => Promise<TestableImage>
  /** Told each result as soon as it is there. */
  readonly onProgress?: (result: TestResult) => void
  readonly signal?: AbortSignal
}

/**
 * Runs an image's tests one after another, each in a container of its own, and removes every trace of the image.
 * A test that could not be run is in the report as such; rejects only when the image itself cannot be made ready
 * (`IMAGE_CONFIG_INVALID`, `IMAGE_USER_UNKNOWN`, `ROOTFS_INVALID`, `CONTRACT_INVALID`, `SANDBOX_MISSING`, or core's
 * codes for a broken layer), or when the signal says so.
 */
export async function testImage(options: TestImageOptions): Promise<TestReport> {
  const { sandbox, variant, signal } = options
  const wanted = options.tests.filter(({ variants }) => !variant || !variants || variants.includes(variant))
  const network = wanted.some((test) => test.network === 'host') ? 'host' : 'none'
  const prepare = (source: TestableImage) => prepareImage(source, { network, ...(signal && { signal }) })
  const main = await prepare(options.image)
  const helpers = new HelperImages(prepare, options.openHelper)
  const image = { ...main, helpers: helpers.opened }
  try {
    const results: TestResult[] = []
    for (const test of wanted.filter(({ platforms }) => !platforms || platforms.includes(image.platform))) {
      const expanded = expandVariables(test, image.contract.environment)
      const result = await resultOf(expanded, { sandbox, image, helpers, signal })
      options.onProgress?.(result)
      results.push(result)
    }
    const notes = image.rootfs.skipped.map((path) => `${path} was left out: it is a device or a fifo`)
    return { sandbox: sandbox.name, platform: image.platform, contract: image.contract, notes, results }
  } finally {
    helpers.remove()
    image.remove()
  }
}

async function resultOf(
  test: ImageTest,
  {
    sandbox,
    image,
    helpers,
    signal,
  }: { sandbox: Sandbox; image: PreparedImage; helpers: HelperImages; signal: AbortSignal | undefined },
): Promise<TestResult> {
  try {
    await helpers.openFor(test)
    const outcome = await runTest(sandbox, image, test, signal)
    return { name: test.name, verdict: judge(test, outcome), outcome }
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error
    return { name: test.name, verdict: { kind: 'not-run', reason: error.message } }
  }
}
