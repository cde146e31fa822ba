import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { Compile } from 'typebox/schema'
import { parse } from 'yaml'
import { generatedDocs, parseErrorCodes } from './generated-docs.ts'

const root = resolve(import.meta.dirname, '..')

test('error codes are read from the union with their sentences', () => {
  const source = `/** What can go wrong. */
export type SomeErrorCode =
  | 'FIRST_INVALID'
  /** The second is wrong. */
  | 'SECOND_INVALID'
  /**
   * A longer one,
   * on two lines.
   */
  | 'THIRD_LIMIT'

/** Thrown by \`some\`. */
export class SomeError extends CasemateError<SomeErrorCode> {}
`
  assert.deepEqual(parseErrorCodes(source), [
    { code: 'FIRST_INVALID', meaning: '' },
    { code: 'SECOND_INVALID', meaning: 'The second is wrong.' },
    { code: 'THIRD_LIMIT', meaning: 'A longer one, on two lines.' },
  ])
})

test('a union on one line is read as well', () => {
  const source = "export type TinyErrorCode = 'A_INVALID' | 'B_LIMIT'\n\n/** Thrown. */\nexport class X {}\n"
  assert.deepEqual(
    parseErrorCodes(source).map(({ code }) => code),
    ['A_INVALID', 'B_LIMIT'],
  )
})

test('every code that the sources throw stands in docs/errors.md', () => {
  const page = generatedDocs(root).find(({ path }) => path === 'docs/errors.md')?.text ?? ''
  const source = join(root, 'src')
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.startsWith('testkit/')) continue
    for (const [, code = ''] of readFileSync(join(source, file), 'utf8').matchAll(/new \w+Error\(\s*'([A-Z_]+)'/g)) {
      assert.ok(page.includes(`| \`${code}\` |`), `${file} throws ${code}`)
    }
  }
})

const schemaDoc = generatedDocs(root).find(({ path }) => path === 'docs/definition.schema.json')
const schema = Compile(JSON.parse(schemaDoc?.text ?? ''))

for (const image of readdirSync(join(root, 'images'))) {
  test(`the published schema accepts the definition of ${image}`, () => {
    const definition: unknown = parse(readFileSync(join(root, 'images', image, 'casemate.yaml'), 'utf8'))
    assert.deepEqual(schema.Errors(definition), [true, []])
  })
}

test('the published schema refuses an unknown key of a definition and of its tests', () => {
  assert.equal(schema.Check({ image: 'a', package: [] }), false)
  assert.equal(schema.Check({ image: 'a', tests: [{ name: 'a', comand: ['/bin/true'] }] }), false)
  assert.equal(schema.Check({ image: 'a', tests: [{ name: 'a', command: ['/bin/true'] }] }), true)
})
