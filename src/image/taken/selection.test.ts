import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readImageFiles } from '#oci'
import { type TarItem, tarOf } from '#testkit'
import { type Selection, selectPaths } from './selection.ts'

/** Chooses of an image with these layers, lowest first: each path with what it is. */
async function select(layers: readonly (readonly TarItem[])[], selection: Partial<Selection>) {
  const opened = layers.map((items) => ({
    async *openTar() {
      yield tarOf(...items)
    },
  }))
  const files = await readImageFiles(opened, { wants: () => false })
  const selected = selectPaths(files, { from: '/', include: [], exclude: [], ...selection }, 'it')
  return selected.map(({ place, type, content, target }) => {
    const leads = target === undefined ? content : 'text' in target ? `to ${target.text}` : `to ${target.place} of it`
    return [place, type, leads].filter(Boolean).join(' ')
  })
}

const MERGED: readonly TarItem[] = [
  { path: 'lib', type: 'symlink', linkPath: 'usr/lib' },
  { path: 'usr/lib', type: 'directory' },
  { path: 'usr/lib/a.so.1', content: 'a' },
]

test('what a layer writes below a link of a lower one stands where the link leads, and is read by its own name', async () => {
  const layers = [MERGED, [{ path: 'lib/b.so', content: 'b' }]]
  assert.deepEqual(await select(layers, { from: '/usr/lib' }), [
    'directory',
    '/a.so.1 file /usr/lib/a.so.1',
    '/b.so file /lib/b.so',
  ])
  assert.deepEqual(await select(layers, { from: '/lib/b.so' }), ['file /lib/b.so'])
})

test('links that lead inside are kept, absolute ones moved with what they lead to', async () => {
  const layers = [
    [
      { path: 'opt/app/v1/run', content: 'x' },
      { path: 'opt/app/current', type: 'symlink', linkPath: '/opt/app/v1' },
      { path: 'opt/app/run', type: 'symlink', linkPath: 'current/run' },
      { path: 'opt/app/self', type: 'symlink', linkPath: '.' },
    ],
  ] as const
  assert.deepEqual(await select(layers, { from: '/opt/app' }), [
    'directory',
    '/current symlink to /v1 of it',
    '/run symlink to current/run',
    '/self symlink to .',
    '/v1 directory',
    '/v1/run file /opt/app/v1/run',
  ])
  await assert.rejects(select(layers, { from: '/opt/app', exclude: ['v1'] }), {
    code: 'SOURCE_INVALID',
    message: /the link \/opt\/app\/current to \/opt\/app\/v1 leads out of what is taken in/,
  })
})

test('a hard link is the file that it was made a name of, or nothing', async () => {
  const names = [
    { path: 'a', content: 'old' },
    { path: 'b', type: 'hardlink', linkPath: 'a' },
  ] as const
  assert.deepEqual(await select([names], { from: '/b' }), ['file /a'])
  for (const upper of [[{ path: 'a', content: 'new' }], [{ path: '.wh.a', content: '' }]]) {
    await assert.rejects(select([names, upper], { from: '/b' }), { message: /\/b is another name of \/a/ })
  }
})

test('patterns choose, with the folders above what they choose, and each has to match', async () => {
  const layers = [['a/x.py', 'a/y.txt', 'b/c/z.py', 'd/w.txt'].map((path) => ({ path, content: '' }))]
  assert.deepEqual(await select(layers, { include: ['**/*.py', 'd'], exclude: ['b/c'] }), [
    'directory',
    '/a directory',
    '/a/x.py file /a/x.py',
    '/d directory',
    '/d/w.txt file /d/w.txt',
  ])
  await assert.rejects(select(layers, { include: ['*.py'] }), { message: /nothing in \/ matches `include: \*\.py`/ })
  await assert.rejects(select(layers, { exclude: ['**'] }), { message: /nothing in \/ is left to take/ })
  await assert.rejects(select(layers, { from: '/a/x.py', exclude: ['x'] }), { message: /\/a\/x\.py is a file/ })
  await assert.rejects(select(layers, { from: '/b/d' }), { message: /it has no \/b\/d; \/b\/ has c$/ })
})
