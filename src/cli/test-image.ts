import { writeFile } from 'node:fs/promises'
import { openImage, parsePlatform, parseReference } from '#oci'
import { formatJunit, formatTestJson, formatTestTable, hasPassed, pickSandbox, testImage } from '#sandbox'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { HelperReferences, testable } from './helper-image.ts'
import { chooseTests, type TestChoice } from './image-tests.ts'
import type { SigningOptions } from './signatory.ts'
import type { Terminal } from './terminal.ts'

/** The options of `casemate test`, as the command line gives them. Who signs, where somebody shall, attaches the result to the image. */
export interface TestOptions extends SigningOptions, TestChoice {
  readonly platform: string
  readonly sandbox?: string
  readonly junit?: string
  readonly signedAs?: string
  readonly json?: boolean
}

/** Runs an image's tests and prints the report; the status says whether all passed. */
export async function runTest(reference: string, options: TestOptions, terminal: Terminal): Promise<ExitStatus> {
  const isSigned = options.key !== undefined || options.identityToken !== undefined
  if (isSigned && parseReference(reference).transport !== 'docker') {
    throw new UsageError('USAGE_INVALID', `cannot attach the result to ${reference}: evidence is kept in registries`)
  }
  const platform = parsePlatform(options.platform)
  const image = await openImage(parseReference(reference), { platform })
  const helpers = new HelperReferences(platform)
  try {
    const { name, variant, tests, sources } = await chooseTests(image.config, reference, options)
    const report = await testImage({
      image: testable(image),
      tests,
      sandbox: await pickSandbox(options.sandbox),
      variant,
      openHelper: async (name) => testable(await helpers.open(name)),
      onProgress: ({ name: done }) => terminal.progress(done),
    })
    if (options.junit !== undefined)
      await writeFile(options.junit, formatJunit(report, `${name || reference} ${variant}`))
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
