import assert from 'node:assert/strict'
import { test } from 'node:test'
import { houseFaults, type TreeFile } from './house-rules.ts'

const sound: readonly TreeFile[] = [
  { path: 'archives/a.yaml', text: 'mirrors:\n  a: { built-in: ["https://mirror.example.org/a"] }\n' },
  { path: 'docs/architecture.md', text: '[1](decisions/0001-first.md)\n' },
  { path: 'docs/decisions/0001-first.md', text: '# First\n' },
  { path: 'src/core/README.md', text: '```ts\n```\n' },
  { path: 'src/core/digest.ts', text: '// 202 is as good as any.\n' },
]

const joined = (...pieces: readonly string[]) => pieces.join('')

test('a tree that keeps the rules has no faults', () => assert.deepEqual(houseFaults(sound), []))

const breaches: readonly [string, TreeFile, RegExp][] = [
  ['a host of the archive', { path: 'a.md', text: `x\nhttp://${joined('deb', '.debian.org')}/\n` }, /^a\.md:2: .*host/],
  ['a host of a registry', { path: 'a.json', text: joined('registry.npm', 'js.org') }, /host/],
  ['a path of one machine', { path: 'a.ts', text: joined('/wo', 'rk/main/x') }, /path of one machine/],
  ['a built-in mirror outside archives', { path: 'src/core/a.ts', text: 'mirror.example.org' }, /mirror\.example\.org/],
  ['a skipped test', { path: 'a.test.ts', text: joined('test', '.skip(') }, /skipped/],
  ['a double cast', { path: 'a.ts', text: joined('x as unknown', ' as Y') }, /types off/],
  ['a dead link', { path: 'docs/a.md', text: '[b](b.md#part)\n' }, /^docs\/a\.md: its link b\.md leads nowhere/],
  ['an unlinked decision', { path: 'docs/decisions/0002-second.md', text: '# Second\n' }, /does not link/],
  ['a decision without number', { path: 'docs/decisions/second.md', text: '# Second\n' }, /NNNN-title/],
  ['a long decision', { path: 'docs/decisions/0003-long.md', text: 'x\n'.repeat(100) }, /longer than a screen/],
  ['a module without README', { path: 'src/debian/index.ts', text: '' }, /src\/debian\/README\.md: is missing/],
  ['a module without example', { path: 'src/oci/README.md', text: '# oci\n' }, /no example that a test runs/],
]
for (const [name, file, fault] of breaches) {
  test(`${name} is a fault`, () => assert.match(houseFaults([...sound, file]).join('\n'), fault))
}

test('the lock file of the package manager may name its registry', () => {
  assert.deepEqual(houseFaults([...sound, { path: 'package-lock.json', text: joined('registry.npm', 'js.org') }]), [])
})
