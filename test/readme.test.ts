import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parseArchive } from '#debian'
import { parseDefinition } from '#image'
import { parseIgnoreFile } from '#match'
import { parseImageTests } from '#sandbox'
import { fencedBlocks, readmeSteps } from './readme-blocks.ts'

const root = resolve(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

for (const { language, line, text } of fencedBlocks(readme).filter((block) => block.language === 'yaml')) {
  test(`the ${language} in README.md:${line} is read as it stands`, () => {
    if (text.startsWith('ignore:')) assert.notEqual(parseIgnoreFile(text, 'README.md').length, 0)
    else if (text.startsWith('archive:')) assert.notEqual(parseArchive(text, 'README.md').suites.length, 0)
    else assert.notEqual(parseImageTests(parseDefinition(text, 'README.md').tests).length, 0)
  })
}

test('the first screen installs and does the main job by one command, and is tested by one more', () => {
  const commands = readmeSteps(readme).flatMap((step) => (step.kind === 'command' ? [step.line] : []))
  assert.deepEqual(commands.slice(0, 2), ['npm ci && npx casemate build python', 'npm ci && npm test'])
})

test('every further command of the README is one that the live part runs: ours, without what it does not have', () => {
  for (const step of readmeSteps(readme).slice(2)) {
    if (step.kind === 'command') assert.match(step.line, /^npx casemate [a-z]+ [^&|;<>]+$/)
  }
})

test('CI runs the README’s test command and the live part', () => {
  const ci = readFileSync(join(root, '.ci', 'run'), 'utf8')
  assert.match(ci, /^npm ci .*&& npm test$/m)
  assert.match(ci, /^npm run live/m)
})

test('steps of a README are its commands and definitions, in order', () => {
  const text = '```sh\na 1\n\nb\n```\n```yaml\nimage: x\n```\n```text\nno\n```\n'
  assert.deepEqual(readmeSteps(text), [
    { kind: 'command', line: 'a 1' },
    { kind: 'command', line: 'b' },
    { kind: 'definition', path: 'x/casemate.yaml', text: 'image: x\n' },
  ])
})
