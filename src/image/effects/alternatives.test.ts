import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { testEffectInput, testPackage } from '#testkit'
import { applyEffects } from './apply-effects.ts'

const program = { content: '#!/bin/sh\n', mode: 0o755 }

const calls = {
  mawk: 'update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 --slave /usr/bin/nawk nawk /usr/bin/mawk --slave /usr/share/man/man1/awk.1.gz awk.1.gz /usr/share/man/man1/mawk.1.gz',
  gawk: 'update-alternatives --install /usr/bin/awk awk /usr/bin/gawk 10 --slave /usr/bin/nawk nawk /usr/bin/gawk --slave /usr/bin/igawk igawk /usr/bin/gigawk',
  more: 'update-alternatives --install /usr/bin/pager pager /usr/bin/more 50',
  less: 'update-alternatives --install /usr/bin/pager pager /usr/bin/less 77',
  left: 'update-alternatives --install /usr/bin/left left /usr/bin/missing 1',
}
const programs = ['mawk', 'gawk', 'gigawk', 'more', 'less'].map((name) => [`/usr/bin/${name}`, program] as const)
const installed = Object.entries(calls).map(([name, call]) => testPackage(name, { postinst: `#!/bin/sh\n${call}\n` }))
const input = testEffectInput(Object.fromEntries(programs), [testPackage('dpkg'), ...installed])

test('the highest priority wins, with its slaves, through /etc/alternatives', () => {
  const { tree } = applyEffects(input)
  const target = (path: string) => {
    const entry = tree.get(path)
    return entry?.type === 'symlink' ? entry.target : undefined
  }
  assert.equal(target('/usr/bin/awk'), '/etc/alternatives/awk')
  assert.equal(target('/etc/alternatives/awk'), '/usr/bin/gawk')
  assert.equal(tree.resolve('/usr/bin/nawk'), '/usr/bin/gawk')
  assert.equal(tree.resolve('/usr/bin/igawk'), '/usr/bin/gigawk')
  assert.equal(tree.resolve('/usr/bin/pager'), '/usr/bin/less')
  assert.equal(tree.get('/usr/share/man/man1/awk.1.gz'), undefined)
  assert.equal(tree.get('/usr/bin/left'), undefined)
})

test('update-alternatives reads the records and finds its own choice in them, and writes the same ones', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'alternatives-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [path, { content, mode }] of programs) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content, { mode })
  }
  const { tree, read } = applyEffects(input)
  const admin = '/var/lib/dpkg/alternatives'
  mkdirSync(join(root, 'etc/alternatives'), { recursive: true })
  mkdirSync(join(root, admin), { recursive: true })
  for (const call of Object.values(calls).slice(0, 4)) {
    const [command = '', ...operands] = call.split(' ')
    execFileSync(command, ['--root', root, '--log', '/dev/null', '--quiet', ...operands], { stdio: 'ignore' })
  }
  assert.deepEqual(tree.list(admin), readdirSync(join(root, admin)).sort())
  for (const name of tree.list(admin)) {
    assert.equal(Buffer.from(read(`${admin}/${name}`)).toString(), readFileSync(join(root, admin, name), 'utf8'))
  }
  const query = execFileSync('update-alternatives', ['--root', root, '--query', 'awk'], { encoding: 'utf8' })
  assert.match(query, /^Status: auto\nBest: \/usr\/bin\/gawk$/m)
})

test('an image without dpkg has the links and no records', () => {
  const { tree } = applyEffects({ ...input, packages: installed })
  assert.equal(tree.resolve('/usr/bin/awk'), '/usr/bin/gawk')
  assert.equal(tree.get('/var/lib/dpkg'), undefined)
})
