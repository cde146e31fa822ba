import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { tarOf } from '#testkit'
import { sandboxes } from './pick-sandbox.ts'
import { runPrograms } from './run-programs.ts'

const scratch = fs.mkdtempSync(join(tmpdir(), 'run-programs-'))
fs.chmodSync(scratch, 0o755)
process.env['TMPDIR'] = scratch
after(() => fs.rmSync(scratch, { recursive: true }))

const layer = tarOf(
  { path: 'bin', type: 'directory' },
  { path: 'bin/busybox', mode: 0o755, content: fs.readFileSync('/bin/busybox') },
  { path: 'bin/sh', type: 'symlink', linkPath: 'busybox' },
)
const layers = [
  {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    async *open() {
      yield layer
    },
  },
]
const architecture = process.arch === 'x64' ? 'amd64' : process.arch
const run = (...scripts: readonly string[]) => ({
  ...{ layers, architecture, output: '/.made/here', timeout: 20_000 },
  programs: scripts.map((script) => ({
    argv: ['/bin/sh', '-c', script] as const,
    environment: { WORD: 'hello' },
    stdin: 'from outside',
  })),
})

for (const sandbox of sandboxes) {
  test(`${sandbox.name}: the files of programs are read, run by run, and nothing is left behind`, async () => {
    const script = `set -e; cd /.made/here; busybox mkdir a
      busybox cat > a/in; echo "$WORD $(busybox id -u)" > b; ! echo x 2>/dev/null > /new; busybox ls / > c`
    const [results, others] = await runPrograms(sandbox, run(script, 'busybox ls /.made/here'), 2)
    assert.equal(results?.length, 2)
    for (const { ending, files, stderr } of results ?? []) {
      assert.deepEqual(ending, { kind: 'exited', code: 0 }, stderr.text)
      assert.deepEqual([...files.keys()].sort(), ['/a/in', '/b', '/c'])
      assert.equal(String(files.get('/a/in')), 'from outside')
      assert.equal(String(files.get('/b')), 'hello 65534\n')
      assert.ok(!String(files.get('/c')).includes('new'))
    }
    assert.deepEqual(
      others?.map(({ stdout, files }) => [stdout.text, files.size]),
      [
        ['', 0],
        ['', 0],
      ],
    )
    assert.deepEqual(fs.readdirSync(scratch), [])
  })
}

test('a program that leaves a link, or does not end, gives no result', async () => {
  const [sandbox] = sandboxes
  assert.ok(sandbox)
  const link = run('cd /.made/here && busybox ln -s /etc/passwd x')
  await assert.rejects(runPrograms(sandbox, link, 1), { code: 'SANDBOX_FAILED', message: /neither file nor directory/ })
  const endless = await runPrograms(sandbox, { ...run('busybox sleep 60'), timeout: 100 }, 1)
  assert.deepEqual(endless[0]?.[0]?.ending, { kind: 'timed-out' })
  assert.deepEqual(fs.readdirSync(scratch), [])
})
