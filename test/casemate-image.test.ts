import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDefinition } from '#image'

const root = join(import.meta.dirname, '..')

function read(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}

test('the image of Casemate has the version of the package, and the Node that it is developed with', async () => {
  const text = readFileSync(join(root, 'deploy/casemate/casemate.yaml'), 'utf8')
  const { version, devDependencies } = read('package.json') as { version: string; devDependencies: { node: string } }
  assert.match(text, new RegExp(`^tags: \\["${version.replaceAll('.', '\\.')}", latest\\]$`, 'm'))
  const node = read('deploy/casemate/node.json') as { version: string; packages: Record<string, { sha256: string }> }
  assert.equal(node.version, devDependencies.node)
  assert.deepEqual(Object.keys(node.packages), ['linux/amd64', 'linux/arm64'])
  for (const { sha256 } of Object.values(node.packages)) assert.match(sha256, /^[0-9a-f]{64}$/)
})

test('what is beside the definition when it is built is all that its folder lacks', async () => {
  await assert.rejects(openDefinition(join(root, 'deploy/casemate'), { workingFolder: root }), {
    code: 'DEFINITION_INVALID',
    message: /cannot read (node|app) for definition/,
  })
})
