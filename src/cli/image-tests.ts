import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { messageOf } from '#core'
import { type OpenedDefinition, openDefinition } from '#image'
import type { ImageConfig } from '#oci'
import { type ImageTest, parseImageTests, parseStructureTest, type StructureSurroundings } from '#sandbox'
import { UsageError } from './errors.ts'
import { imageLabels } from './image-labels.ts'
import { readUpTo } from './read-up-to.ts'

/** Milliseconds that a program without a declared port is given to end. */
const UNTIL_END = '10s'

/**
 * What can be asked of any image: whether it listens on the TCP ports that it declares, and passes its own health check; or,
 * where it declares neither, whether its program ends well when it is run as it is.
 */
export function genericTests({ config }: ImageConfig, hasHealthcheck: boolean): readonly ImageTest[] {
  const ports = (config.ExposedPorts ?? [])
    .filter((port) => !port.includes('/') || port.endsWith('/tcp'))
    .map((port) => Number.parseInt(port, 10))
  if (ports.length === 0 && !hasHealthcheck) {
    return parseImageTests([{ name: 'ends well', 'exit-code': 0, timeout: UNTIL_END }])
  }
  const service = { start: true, ports, timeout: '60s' }
  if (!hasHealthcheck) return parseImageTests([{ name: 'starts, and listens on its ports', ...service }])
  return parseImageTests([{ name: 'starts, and passes its health check', ...service, probe: { healthcheck: true } }])
}

/** Which tests are to be run, as the command line says. */
export interface TestChoice {
  readonly definition?: string
  /** The same, where it is open already. */
  readonly opened?: OpenedDefinition
  readonly structureTest?: readonly string[]
}

/** The tests of an image, with what they were read from. */
export interface ChosenTests {
  /** The image's name, empty where nothing says it. */
  readonly name: string
  readonly variant: string
  readonly tests: readonly ImageTest[]
  /** The files and lists that the tests stand in, each as a value, by name. */
  readonly sources: readonly { readonly name: string; readonly value: unknown }[]
}

const LARGEST_STRUCTURE_TEST = 2 ** 20

/**
 * The tests of an image: of the definition that is named, of structure test files, or of both; where neither is, of the catalogue
 * image that it says it is. Throws `USAGE_INVALID` where there are none, and what reading them throws.
 */
export async function chooseTests(config: ImageConfig, reference: string, choice: TestChoice): Promise<ChosenTests> {
  const name = config.config.Labels?.[imageLabels.image] ?? ''
  const variant = config.config.Labels?.[imageLabels.variant] ?? 'runtime'
  const files = choice.structureTest ?? []
  const sources: { name: string; value: unknown }[] = []
  const tests: ImageTest[] = []
  if (choice.definition !== undefined || files.length === 0) {
    const declared = await declaredTests({ name, variant, reference }, choice)
    sources.push({ name: 'tests of the definition, as canonical JSON', value: declared })
    tests.push(...parseImageTests(declared))
  }
  for (const file of files) {
    const text = (await readUpTo(file, LARGEST_STRUCTURE_TEST)).toString('utf8')
    sources.push({ name: file, value: text })
    tests.push(...parseStructureTest({ file, text }, surroundingsOf(file)))
  }
  const twin = tests.find((test, index) => tests.findIndex((other) => other.name === test.name) < index)
  if (twin === undefined) return { name, variant, tests, sources }
  throw new UsageError('USAGE_INVALID', `cannot test ${reference}: "${twin.name}" stands in two places`)
}

async function declaredTests(
  { name, variant, reference }: { name: string; variant: string; reference: string },
  { definition: asked, opened }: TestChoice,
): Promise<readonly unknown[]> {
  if (asked === undefined && name === '') {
    throw new UsageError(
      'USAGE_INVALID',
      `cannot test ${reference}: it does not say which definition it is of; name one by --definition, or a file by --structure-test`,
    )
  }
  const { definition } = opened ?? (await openDefinition(asked ?? name, { workingFolder: process.cwd() }))
  const declared = definition.variants.get(variant)?.tests ?? []
  if (declared.length > 0) return declared
  throw new UsageError(
    'USAGE_INVALID',
    `cannot test ${reference}: the ${variant} of ${definition.image} declares no tests`,
  )
}

function surroundingsOf(file: string): StructureSurroundings {
  return {
    variable: (name) => process.env[name],
    text: (path) => {
      try {
        return readFileSync(resolve(dirname(file), path), 'utf8')
      } catch (cause) {
        const reason = `cannot use ${file}: its containerRunOptions.envFile cannot be read: ${messageOf(cause)}`
        throw new UsageError('USAGE_INVALID', reason, { cause })
      }
    },
  }
}
