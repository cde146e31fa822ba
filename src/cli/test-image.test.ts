import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { casemateIn, sampleLayout } from './sample-layout.test.ts'

const BUSYBOX = { path: 'bin/busybox', mode: 0o755, content: readFileSync('/bin/busybox') }

const cache = mkdtempSync(join(tmpdir(), 'casemate-cache-'))
after(() => rmSync(cache, { recursive: true }))
const casemate = (...args: readonly string[]) => casemateIn(cache, ...args)

/** An image with busybox, as a layout, and a folder for files. */
async function place(
  t: TestContext,
): Promise<{ readonly image: string; readonly write: (name: string, text: string) => string }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const config = { User: '65532', Env: ['PATH=/bin', 'GREETING=hello'] }
  const image = await sampleLayout(t, { packages: {}, others: [BUSYBOX], config })
  return {
    image,
    write(name, text) {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    },
  }
}

const STRUCTURE = `schemaVersion: 2.0.0
commandTests:
  - { name: greets, command: busybox, args: [echo, $GREETING], expectedOutput: ['^hello\\n$'] }
fileExistenceTests:
  - { name: accounts, path: /etc/passwd }
`

test('structure test files are run on any image, without a definition, and the report says which they are', async (t) => {
  const { image, write } = await place(t)
  const good = write('good.yaml', STRUCTURE)
  const { status, stdout, stderr } = casemate('test', image, '--structure-test', good)
  assert.equal(status, 0, stderr)
  assert.match(
    stdout,
    /^passed .*good\.yaml: command test "greets"\npassed .*good\.yaml: file existence test "accounts"\n2 passed \(/,
  )
  const bad = write('bad.json', '{"schemaVersion":"2.0.0","metadataTest":{"user":"root","exposedPorts":["80"]}}')
  const failed = casemate('test', image, '--structure-test', good, bad, '--junit', write('report.xml', ''))
  assert.equal(failed.status, 1)
  assert.match(
    failed.stdout,
    /FAILED .*bad\.json: metadata test\n +port 80 is not declared; declared are: none\n +the user is "65532", want "root"\n2 passed, 1 FAILED/,
  )
})

test('a definition refers to structure tests by path from its own folder, and who extends it inherits them', async (t) => {
  const { image, write } = await place(t)
  write('structure.yaml', STRUCTURE)
  const tests = 'tests: [{ name: structure, structure-test: structure.yaml }]'
  const base = write('base.yaml', `image: base\n${tests}\n`)
  const over = write('over.yaml', `image: over\nextends: ${base}\ncmd: [/bin/busybox]\n`)
  for (const definition of [base, over]) {
    const { status, stdout, stderr } = casemate('test', image, '--definition', definition, '--fresh')
    assert.equal(status, 0, stderr)
    assert.match(
      stdout,
      /structure: command test "greets"\npassed .*structure: file existence test "accounts"\n2 passed/,
    )
  }
})

const wrong: [string, RegExp, string][] = [
  [
    'schemaVersion: 2.0.0\ncommandTests: [{ name: a, command: b, expectedOutput: ["(?=a)"] }]',
    /no lookaround/,
    'a pattern that RE2 does not know',
  ],
  ['schemaVersion: 2.0.0\ncontainerRunOptions: { privileged: true }', /privileged cannot be honoured/, 'a privilege'],
  [
    'schemaVersion: 2.0.0\ncontainerRunOptions: { envFile: none }',
    /envFile cannot be read/,
    'a file that is not there',
  ],
  ['commandTests: [', /\[STRUCTURE_TEST_INVALID\]/, 'no YAML at all'],
]
for (const [text, words, because] of wrong) {
  test(`a structure test file is wrong use: ${because}`, async (t) => {
    const { image, write } = await place(t)
    const { status, stderr } = casemate('test', image, '--structure-test', write('s.yaml', text))
    assert.equal(status, 2, stderr)
    assert.match(stderr, words)
  })
}

test('a pattern of a definition that backtracking would try for ever is answered at once', async (t) => {
  const { image, write } = await place(t)
  const definition = write(
    'd.yaml',
    `image: slow
tests:
  - name: slow
    command: [/bin/busybox, sh, -c, 'busybox yes a | busybox head -c 200000 | busybox tr -d "\\\\n"; echo !']
    stdout: { matches: '^(a+)+$' }
`,
  )
  const began = performance.now()
  const { status, stdout } = casemate('test', image, '--definition', definition)
  assert.equal(status, 1)
  assert.match(stdout, /stdout does not match \/\^\(a\+\)\+\$\//)
  assert.ok(performance.now() - began < 60_000)
})

test('a result is inherited from an earlier run of the same image, until --fresh or a damaged memory asks for another', async (t) => {
  const { image, write } = await place(t)
  const definition = write('d.yaml', 'image: a\ntests: [{ name: echoes, command: [/bin/busybox, echo, a] }]\n')
  const own = mkdtempSync(join(tmpdir(), 'casemate-cache-'))
  t.after(() => rmSync(own, { recursive: true }))
  const run = (...args: readonly string[]) => casemateIn(own, 'test', image, '--definition', definition, ...args).stdout
  assert.match(run(), /^passed +\d+ ms {2}echoes\n/)
  const today = new Date().toISOString().slice(0, 10)
  assert.match(run(), new RegExp(`echoes \\(inherited from ${today}\\)\n1 passed`))
  const { results } = JSON.parse(run('--json'))
  assert.deepEqual(Object.keys(results[0].inherited), ['duration', 'from'])
  assert.doesNotMatch(run('--fresh'), /inherited/)
  const folder = join(own, 'casemate', 'test-results')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  assert.ok(files.length > 0)
  for (const { parentPath, name } of files) {
    writeFileSync(
      join(parentPath, name),
      readFileSync(join(parentPath, name), 'utf8').replace('"duration":', '"duration":1'),
    )
  }
  assert.doesNotMatch(run(), /inherited/)
})
