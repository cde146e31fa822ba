import { writeFile } from 'node:fs/promises'
import { ImageError } from '#image'
import { type OpenedImage, openImage, type Platform, parsePlatform, parseReference } from '#oci'
import {
  compareReports,
  formatComparison,
  formatComparisonJson,
  formatComparisonJunit,
  hasNoRegression,
  parseImageConfig,
  pickSandbox,
} from '#sandbox'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { HelperReferences, testable } from './helper-image.ts'
import { type ChosenTests, chooseTests, genericTests } from './image-tests.ts'
import type { Terminal } from './terminal.ts'
import { reportOn, type TestOptions } from './test-image.ts'

/**
 * Runs the same tests in an old and a new image and prints what is broken; the status says whether anything is. The tests are
 * those that the new image would be tested with; of an image that has none at hand, what can be asked of any.
 */
export async function runTestComparison(
  references: { readonly from: string; readonly to: string },
  options: TestOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  if (options.key !== undefined || options.identityToken !== undefined) {
    throw new UsageError(
      'USAGE_INVALID',
      'cannot sign a comparison: sign the result of the new image, without --compare',
    )
  }
  const platform = parsePlatform(options.platform)
  const [from, to] = await openBoth(references, platform)
  const helpers = new HelperReferences(platform)
  try {
    const { tests, variant } = await testsToCompare(to, references.to, options, terminal)
    const run = { tests, variant, helpers, sandbox: await pickSandbox(options.sandbox), fresh: options.fresh === true }
    const before = await reportOn(from, run, terminal)
    const comparison = compareReports(before, await reportOn(to, run, terminal))
    if (options.junit !== undefined) {
      await writeFile(options.junit, formatComparisonJunit(comparison, `${references.from} → ${references.to}`))
    }
    const compared = (reference: string, image: OpenedImage) => ({
      reference,
      manifest: image.manifestDocument.descriptor.digest,
    })
    const images = { from: compared(references.from, from), to: compared(references.to, to) }
    terminal.print(options.json === true ? formatComparisonJson(comparison, images) : formatComparison(comparison))
    return hasNoRegression(comparison) ? exitStatus.done : exitStatus.no
  } finally {
    await helpers.close()
    await from.close()
    await to.close()
  }
}

async function openBoth(
  references: { readonly from: string; readonly to: string },
  platform: Platform,
): Promise<readonly [OpenedImage, OpenedImage]> {
  const from = await openImage(parseReference(references.from), { platform })
  try {
    return [from, await openImage(parseReference(references.to), { platform })]
  } catch (error) {
    await from.close()
    throw error
  }
}

async function testsToCompare(
  image: OpenedImage,
  reference: string,
  options: TestOptions,
  terminal: Terminal,
): Promise<Pick<ChosenTests, 'tests' | 'variant'>> {
  try {
    return await chooseTests(image.config, reference, options)
  } catch (error) {
    const isAsked = options.definition !== undefined || (options.structureTest ?? []).length > 0
    const hasNone =
      error instanceof UsageError || (error instanceof ImageError && error.code === 'DEFINITION_NOT_FOUND')
    if (isAsked || !hasNone) throw error
    terminal.warn(`no tests of ${reference} are at hand: only its start and its contract are compared`)
    const { config } = parseImageConfig(testable(image).config)
    const [check = 'NONE'] = config?.Healthcheck?.Test ?? []
    return { tests: genericTests(image.config, check !== 'NONE'), variant: 'runtime' }
  }
}
