import { SandboxError } from '../errors.ts'
import { expandVariables } from '../expand-variables.ts'
import { type ImageConfig, parseEnvironment, parseImageConfig } from '../image-config.ts'
import type { ImageTest } from '../image-test.ts'
import type { Outcome } from '../outcome.ts'
import type { Sandbox } from '../sandbox.ts'
import type { TestReport, TestResult } from '../test-report.ts'
import { judge } from '../verdict.ts'
import { HelperImages } from './helper-images.ts'
import { Inheritance, type InheritanceOptions, type Inherited } from './inheritance.ts'
import { KnownFiles, type KnownImage } from './known-files.ts'
import { type PreparedImage, prepareImage, type TestableImage } from './prepared-image.ts'
import { inspectKnown, runTest } from './run-test.ts'

/** What `testImage` needs. */
export interface TestImageOptions {
  readonly image: TestableImage
  readonly tests: readonly ImageTest[]
  readonly sandbox: Sandbox
  /** Leaves out the tests that are for other variants; absent: none is left out. Those for other platforms always are. */
  readonly variant?: string
  /** Opens a helper image by the reference that a test has. Absent: tests with helpers are not run. */
  readonly openHelper?: (reference: string) => Promise<TestableImage>
  /** What is known of earlier runs; absent: every test is run. */
  readonly inheritance?: InheritanceOptions
  /** Unpacks the image and runs its tests when there is room for it; at once unless given. */
  readonly turn?: (work: () => Promise<TestReport>) => Promise<TestReport>
  /** The image's files, where they are known: tests that look at nothing else are not unpacked for. */
  readonly known?: KnownImage
  /** Told each result as soon as it is there. */
  readonly onProgress?: (result: TestResult) => void
  readonly signal?: AbortSignal
}

/**
 * Runs an image's tests one after another, each in a container of its own, and removes every trace of the image. A result is
 * inherited while everything that its test can read is what it was; where all are, the image is not even unpacked.
 * A test that could not be run is in the report as such; rejects only when the image itself cannot be made ready
 * (`IMAGE_CONFIG_INVALID`, `IMAGE_USER_UNKNOWN`, `ROOTFS_INVALID`, `CONTRACT_INVALID`, `SANDBOX_MISSING`, or core's
 * codes for a broken layer), or when the signal says so.
 */
export async function testImage(options: TestImageOptions): Promise<TestReport> {
  const { sandbox } = options
  const config = parseImageConfig(options.image.config)
  const tests = testsOf(config, options)
  const seen = await lookAtKnown(tests, config, options)
  if (seen !== undefined) return seen
  const network = tests.some((test) => test.network === 'host') ? 'host' : 'none'
  const { architecture } = config
  const inheritance =
    options.inheritance && (await Inheritance.open(options.inheritance, { sandbox, architecture, network }))
  const inherited = new Map<ImageTest, Inherited>()
  for (const test of tests) {
    const found = await inheritance?.recall(test)
    if (found) inherited.set(test, found)
  }
  const image = [...inherited.values()].find((one) => one.image)?.image
  if (image && inherited.size === tests.length) {
    const results = [...inherited.values()].map(({ result }) => result)
    return { sandbox: sandbox.name, platform: platformOf(config), ...image, results }
  }
  const run = () => runTests(tests, { options, network, inherited, inheritance })
  return options.turn === undefined ? await run() : await options.turn(run)
}

/** Looks at files that are known, without any sandbox; `undefined` where a test needs more than those. */
async function lookAtKnown(
  tests: readonly ImageTest[],
  config: ImageConfig,
  { known, inheritance: options, sandbox, onProgress }: TestImageOptions,
): Promise<TestReport | undefined> {
  if (known === undefined) return undefined
  const files = new KnownFiles(known)
  const contract = files.contract(config)
  if (!tests.every((test) => files.knows(test, contract))) return undefined
  const inheritance = options && Inheritance.ofFiles(options)
  const results: TestResult[] = []
  for (const test of tests) {
    const inherited = await inheritance?.recall(test, files)
    const result = inherited?.result ?? resultOfKnown(test, inspectKnown(files, config, test))
    if (!inherited) await inheritance?.keep(test, result, { image: { contract, notes: [] }, files })
    onProgress?.(result)
    results.push(result)
  }
  return { sandbox: sandbox.name, platform: platformOf(config), contract, notes: [], results }
}

function resultOfKnown(test: ImageTest, outcome: Outcome): TestResult {
  return { name: test.name, verdict: judge(test, outcome), outcome }
}

function platformOf({ os, architecture }: ImageConfig): string {
  return `${os}/${architecture}`
}

/** The tests for this variant and platform, with the image's variables in them. */
function testsOf(config: ImageConfig, { tests, variant }: TestImageOptions): ImageTest[] {
  const environment = parseEnvironment(config.config?.Env ?? [])
  return tests
    .filter(({ variants }) => !variant || !variants || variants.includes(variant))
    .filter(({ platforms }) => !platforms || platforms.includes(platformOf(config)))
    .map((test) => expandVariables(test, environment))
}

/** Runs every test that is not inherited, in the order of all. */
async function runTests(
  tests: readonly ImageTest[],
  run: {
    options: TestImageOptions
    network: 'none' | 'host'
    inherited: ReadonlyMap<ImageTest, Inherited>
    inheritance: Inheritance | undefined
  },
): Promise<TestReport> {
  const { options, network, inherited, inheritance } = run
  const { sandbox, signal } = options
  const prepare = (source: TestableImage) => prepareImage(source, { network, ...(signal && { signal }) })
  const main = await prepare(options.image)
  const helpers = new HelperImages(prepare, options.openHelper)
  const image = { ...main, helpers: helpers.opened }
  const notes = image.rootfs.skipped.map((path) => `${path} was left out: it is a device or a fifo`)
  const { contract, platform, files } = image
  try {
    const results: TestResult[] = []
    for (const test of tests) {
      const known = inherited.get(test) ?? (await inheritance?.recall(test, files))
      const result = known?.result ?? (await resultOf(test, { sandbox, image, helpers, signal }))
      if (!known) await inheritance?.keep(test, result, { image: { contract, notes }, files })
      options.onProgress?.(result)
      results.push(result)
    }
    return { sandbox: sandbox.name, platform, contract, notes, results }
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
