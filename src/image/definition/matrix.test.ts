import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basesOf, memberOf, parseMemberReference } from './matrix.ts'
import { parseDefinition } from './parse-definition.ts'

const parse = (text: string) => parseDefinition(text, 'casemate.yaml')

test('a definition on several bases is an image on each, named by the last part of its reference', () => {
  const definition = parse('image: "team/{base}-tls"\nfrom: [python, ../nodes/casemate.yaml, ./Java.yaml, ../over#go]')
  assert.deepEqual(
    [...basesOf(definition)],
    [
      ['python', 'python'],
      ['nodes', '../nodes/casemate.yaml'],
      ['Java', './Java.yaml'],
      ['go', '../over#go'],
    ],
  )
  const { image, from, bases } = memberOf(definition, 'Java', 'casemate.yaml')
  assert.deepEqual({ image, from, bases }, { image: 'team/java-tls', from: './Java.yaml', bases: [] })
})

const refused: readonly [string, RegExp][] = [
  ['image: team\nfrom: [python, node]', /want \{base\} in the name of `image`/],
  ['image: "{base}"\nfrom: [python, ./python.yaml]', /two bases have the name python/],
  ['image: "{base}"\nfrom: [..]', /\.\. has no name that an image could have/],
  ['image: "{base}"\nfrom: python', /want a list of them as `from`/],
  ['image: "{base}"', /want a list of them as `from`/],
  ['image: "{name}"\nfrom: [python]', /want an image name/],
]
for (const [text, message] of refused) {
  test(`${text.replace('\n', ', ')} is refused`, () => {
    assert.throws(() => parse(text), { code: 'DEFINITION_INVALID', message })
  })
}

test('a reference names a member behind its last #, where that can be a name', () => {
  assert.deepEqual(parseMemberReference('./a#b#python'), { reference: './a#b', member: 'python' })
  assert.deepEqual(parseMemberReference('./a#/casemate.yaml'), { reference: './a#/casemate.yaml', member: undefined })
  assert.deepEqual(parseMemberReference('#x'), { reference: '#x', member: undefined })
})
