import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { completionScript } from './completion.ts'

const CLI = join(import.meta.dirname, 'main.ts')

/** A folder to put first in PATH, in which `casemate` is this checkout's. */
function programFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-completion-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'casemate')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${CLI}' "$@"\n`)
  chmodSync(program, 0o755)
  return folder
}

function run(folder: string, [program = '', ...args]: readonly string[]): string {
  const PATH = `${folder}:${process.env['PATH']}`
  return execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, PATH, HOME: folder } }).trim()
}

const cases: readonly [words: readonly string[], found: RegExp][] = [
  [['bu'], /^build$/],
  [['catalog', ''], /^build\nhelp\nlist\nshow$/],
  [['build', 'nginx-e'], /^nginx-exporter$/],
  [['catalog', 'build', 'python', 'stat'], /^static$/],
  [['build', 'python', '--variant', ''], /^debug\ndev\nruntime$/],
  [['build', '--pl'], /^--platform$/],
  [['build', 'python', '--platform', 'linux/arm64'], /^linux\/arm64/],
  [['test', '--sandbox', 'r'], /^runc$/],
  [['diff', '--evidence', ''], /^advisories\narchive$/],
  [['where', '--st'], /^--stale$/],
  [['catalog', 'list', '--category', 'da'], /^databases$/],
  [['build', './nowhere', '--variant', ''], /^$/],
]

test('every place of a command line is completed from what there is', (t) => {
  const folder = programFolder(t)
  for (const [words, found] of cases) {
    assert.match(run(folder, ['casemate', 'complete', '--', ...words]), found, words.join(' '))
  }
})

test('bash completes by the script', (t) => {
  const folder = programFolder(t)
  const line = `eval "$(casemate completion bash)"; COMP_WORDS=(casemate build pyth); COMP_CWORD=2; _casemate; echo "\${COMPREPLY[@]}"`
  assert.equal(run(folder, ['bash', '-c', line]), 'python')
})

test('fish completes by the script', (t) => {
  const folder = programFolder(t)
  const line = 'casemate completion fish | source; complete -C "casemate build pyth"'
  assert.equal(run(folder, ['fish', '--no-config', '-c', line]), 'python')
})

test('zsh completes by the script', (t) => {
  const folder = programFolder(t)
  const line = [
    'compdef() { : }',
    'compadd() { shift; print -- "$@" }',
    'eval "$(casemate completion zsh)"',
    'words=(casemate build pyth)',
    'CURRENT=3',
    '_casemate',
  ].join('\n')
  assert.equal(run(folder, ['zsh', '-f', '-c', line]), 'python')
})

test('another shell is refused with those that are known', () => {
  assert.throws(() => completionScript('ksh'), { code: 'USAGE_INVALID', message: /want one of bash, zsh, fish/ })
})
