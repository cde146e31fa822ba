import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, formatFault, type Shape } from '#core'
import { SandboxError } from './errors.ts'
import type { ImageTest } from './image-test.ts'
import { parseStructureTest, type StructureSurroundings } from './structure-test.ts'

const text = { type: 'string' } as const satisfies Shape
const texts = { type: 'array', items: text } as const satisfies Shape

/** A test of a definition that stands for a file of structure tests, which was read in its place. */
const referenceShape = {
  type: 'object',
  title: 'the keys of a reference to a structure test',
  additionalProperties: false,
  required: ['name', 'structure-test'],
  properties: {
    name: { type: 'string', title: 'text, not empty', minLength: 1 },
    variants: texts,
    platforms: texts,
    'structure-test': {
      type: 'object',
      title: 'a file that was read',
      additionalProperties: false,
      required: ['file', 'text'],
      properties: { file: text, text },
    },
  },
} as const satisfies Shape
type StructureTestReference = XStatic<typeof referenceShape>

/** A definition means the same wherever it is tested. */
const NO_SURROUNDINGS: StructureSurroundings = {
  variable: () => undefined,
  text: (path) => {
    const reason = `containerRunOptions.envFile ${path} belongs to the place of the test, which a definition has none of`
    throw new SandboxError(
      'STRUCTURE_TEST_INVALID',
      `cannot read structure test: ${reason}; give the file to --structure-test`,
    )
  },
}

/** Whether a declared test stands for a file of structure tests. */
export function isStructureTestReference(value: unknown): value is { readonly 'structure-test': object } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'structure-test' in value &&
    typeof value['structure-test'] === 'object'
  )
}

/** The tests of the file that a declared test stands for, each under its name. Throws `IMAGE_TEST_INVALID`, `STRUCTURE_TEST_INVALID`. */
export function expandStructureTest(value: unknown): ImageTest[] {
  const faults = faultsOf(referenceShape, value)
  if (!isReference(value, faults)) {
    throw new SandboxError('IMAGE_TEST_INVALID', `cannot read image test: ${faults.map(formatFault).join('; ')}`)
  }
  const { name, variants, platforms, 'structure-test': source } = value
  const only = { ...(variants && { variants }), ...(platforms && { platforms }) }
  return parseStructureTest({ ...source, name }, NO_SURROUNDINGS).map((test) => ({ ...test, ...only }))
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isReference(_value: unknown, faults: readonly Fault[]): _value is StructureTestReference {
  return faults.length === 0
}
