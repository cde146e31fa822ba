import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** What must hold for everybody; without root, the files' owners are not as in the image. */
const CHECKS = [
  'runs as the declared user',
  'runs as another user',
  'lets the user write',
  'kills every process',
  'starts a service',
  'ends a prog',
]

for (const name of ['bwrap', 'unshare']) {
  test(`${name} needs no root, not even to probe a service`, () => {
    runWithoutRoot('sandboxes', `^${name}: (${CHECKS.join('|')})`, CHECKS.length)
  })
}

test('structure tests need no root: owners are told by the layers, setup runs over a copy', () => {
  runWithoutRoot('structure-test', '^((bwrap|unshare): setup|paths are judged|licences)', 4)
})

test('health checks and helper images need no root', () => {
  runWithoutRoot('services.slow', "^(bwrap|unshare): (runs the image's|asks|gives)", 8)
})

/** Runs the tests of a suite whose names match as a user who is not root, all of whom must pass. */
function runWithoutRoot(suite: string, pattern: string, count: number): void {
  const file = fileURLToPath(new URL(`./${suite}.test.ts`, import.meta.url))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const user = ['--user', '--map-user=1000', '--map-group=1000', '--']
  const node = [process.execPath, '--conditions=source', '--test', '--test-reporter=tap']
  const argv = [...user, ...node, `--test-name-pattern=${pattern}`, file]
  const { status, stdout, stderr } = spawnSync('unshare', argv, { env })
  assert.equal(status, 0, `${stdout}${stderr}`)
  assert.match(String(stdout), new RegExp(`^# pass ${count}$`, 'm'))
}
