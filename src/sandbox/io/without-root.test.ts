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
    const suite = fileURLToPath(new URL('./sandboxes.test.ts', import.meta.url))
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const argv = [
      '--user',
      '--map-user=1000',
      '--map-group=1000',
      '--',
      process.execPath,
      '--conditions=source',
      '--test',
    ]
    const pattern = `--test-name-pattern=^${name}: (${CHECKS.join('|')})`
    const { status, stdout, stderr } = spawnSync('unshare', [...argv, '--test-reporter=tap', pattern, suite], { env })
    assert.equal(status, 0, `${stdout}${stderr}`)
    assert.match(String(stdout), new RegExp(`^# pass ${CHECKS.length}$`, 'm'))
  })
}
