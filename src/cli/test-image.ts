import { writeFile } from 'node:fs/promises'
import { openDefinition } from '#image'
import { type ImageConfig, type OpenedImage, openImage, parsePlatform, parseReference } from '#oci'
import {
  formatJunit,
  formatTestJson,
  formatTestTable,
  hasPassed,
  parseImageTests,
  pickSandbox,
  testImage,
} from '#sandbox'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { imageLabels } from './image-labels.ts'
import type { SigningOptions } from './signatory.ts'
import type { Terminal } from './terminal.ts'

/** The options of `casemate test`, as the command line gives them. Who signs, where somebody shall, attaches the result to the image. */
export interface TestOptions extends SigningOptions {
  readonly definition?: string
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
  const image = await openImage(parseReference(reference), { platform: parsePlatform(options.platform) })
  try {
    const { name, variant } = imageNamed(image.config, reference, options)
    const { definition } = await openDefinition(options.definition ?? name, { workingFolder: process.cwd() })
    const tests = definition.variants.get(variant)?.tests ?? []
    if (tests.length === 0) {
      throw new UsageError(
        'USAGE_INVALID',
        `cannot test ${reference}: the ${variant} of ${definition.image} declares no tests`,
      )
    }
    const report = await testImage({
      image: testable(image),
      tests: parseImageTests(tests),
      sandbox: await pickSandbox(options.sandbox),
      variant,
      onProgress: ({ name: done }) => terminal.progress(done),
    })
    if (options.junit !== undefined) await writeFile(options.junit, formatJunit(report, `${name} ${variant}`))
    if (isSigned) {
      const { attestReport } = await import('./attest-report.ts')
      await attestReport(report, {
        tests,
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
    await image.close()
  }
}

function testable({ configDocument, layers }: OpenedImage) {
  return {
    config: JSON.parse(Buffer.from(configDocument.bytes).toString('utf8')) as unknown,
    layers: layers.map(({ descriptor, open }) => ({ mediaType: descriptor.mediaType, open })),
  }
}

function imageNamed(
  { config }: ImageConfig,
  reference: string,
  options: TestOptions,
): { name: string; variant: string } {
  const name = config.Labels?.[imageLabels.image]
  const variant = config.Labels?.[imageLabels.variant] ?? 'runtime'
  if (name !== undefined || options.definition !== undefined) return { name: name ?? '', variant }
  throw new UsageError(
    'USAGE_INVALID',
    `cannot test ${reference}: it does not say which definition it is of; name one by --definition`,
  )
}
