import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const CLI = join(import.meta.dirname, 'main.ts')

function openFolder(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-lint-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const lint = (...args: readonly string[]) => {
    const command = ['--conditions=source', CLI, 'lint', ...args]
    const env = { ...process.env, NO_COLOR: '1' }
    return spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env })
  }
  return { folder, lint, read: (name: string) => readFileSync(join(folder, name), 'utf8') }
}

test('what breaks rules is told by line with what to do, and what is certain is written and shown', (t) => {
  const before = `FROM scratch\nADD app /app\nUSER root\nENTRYPOINT /app\n`
  const { lint, read } = openFolder(t, { Dockerfile: before, 'other.Dockerfile': 'FROM scratch\nUSER 1\n' })
  const told = lint('Dockerfile', 'other.Dockerfile')
  assert.equal(told.status, 1, told.stderr)
  assert.match(told.stdout, /^Dockerfile:3 {2}error {4}final-not-root\n {9}the last user is root\n {9}do: End with/m)
  assert.match(told.stdout, /^Dockerfile: 2 errors, 1 warnings\nother\.Dockerfile: 0 errors, 0 warnings$/m)
  const fixed = lint('--fix')
  assert.equal(fixed.status, 0, fixed.stdout)
  assert.match(fixed.stdout, /^Dockerfile:3: - USER root\nDockerfile:3: \+ USER 65532:65532$/m)
  assert.equal(read('Dockerfile'), 'FROM scratch\nCOPY app /app\nUSER 65532:65532\nENTRYPOINT ["/app"]\n')
})

test('JSON and SARIF say the same, what is ignored with its reason', (t) => {
  const text = `FROM scratch\n# casemate ignore=final-not-root binds port 80\nUSER root\nCMD a\n`
  const { lint } = openFolder(t, { Dockerfile: text })
  const [{ findings }] = JSON.parse(lint('--json').stdout).files
  assert.deepEqual(
    findings.map(({ rule, ignored }: { rule: string; ignored?: string }) => [rule, ignored]),
    [
      ['final-not-root', 'binds port 80'],
      ['final-exec-form', undefined],
    ],
  )
  const [{ results, tool }] = JSON.parse(lint('--format', 'sarif').stdout).runs
  assert.equal(results[0].suppressions[0].justification, 'binds port 80')
  assert.equal(tool.driver.rules[results[1].ruleIndex].id, 'final-exec-form')
  assert.equal(results[1].locations[0].physicalLocation.region.startLine, 4)
})

test('what is used wrongly is refused', (t) => {
  const { lint } = openFolder(t, { Dockerfile: 'FROM scratch\nUSER 1\n', empty: '', 'allow.yaml': 'bases: []\n' })
  const wrong: [string[], RegExp][] = [
    [['nowhere'], /\[USAGE_INVALID\]/],
    [['empty'], /cannot read empty: it has no FROM.*\[DOCKERFILE_INVALID\]/],
    [['--allow', 'allow.yaml'], /allow\.yaml:1:8: .*\[ALLOW_LIST_INVALID\]/],
    [['--build-arg', 'x'], /want NAME=VALUE.*\[USAGE_INVALID\]/],
  ]
  for (const [args, message] of wrong) {
    const { status, stderr } = lint(...args)
    assert.match(stderr, message)
    assert.equal(status, 2, args.join(' '))
  }
})
