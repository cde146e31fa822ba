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

test('docs/errors.md lists nothing that no source names', async () => {
  const page = (await generatedDocs(root)).find(({ path }) => path === 'docs/errors.md')?.text ?? ''
  const source = join(root, 'src')
  const text = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('errors.ts'))
    .map((file) => readFileSync(join(source, file), 'utf8'))
    .join()
  const codes = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].flatMap(([, code = '']) => code)
  assert.ok(codes.length > 50)
  assert.deepEqual(
    codes.filter((code) => !text.includes(`'${code}'`)),
    [],
  )
})

const schemaDoc = (await generatedDocs(root)).find(({ path }) => path === 'docs/definition.schema.json')
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
