import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type TarItem, tarOf } from '#testkit'
import type { Packing } from '../definition/definition.ts'
import { selectPaths } from '../taken/selection.ts'
import { openTakenArchive } from './taken-archive.ts'

/** Opens an archive of these bytes and chooses everything of it. */
async function takeAll(t: TestContext, bytes: Uint8Array, packing: Packing = 'tar.gz', strip = 0) {
  const folder = await mkdtemp(join(tmpdir(), 'taken-archive-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'archive')
  await writeFile(path, bytes)
  const tree = await openTakenArchive(path, { packing, strip, name: 'it' })
  return selectPaths(tree.files, { from: '/', include: [], exclude: [] }, 'it')
}

const hostile: readonly [string, readonly TarItem[], RegExp][] = [
  ['a path that leads out', [{ path: '../x', content: '' }], /it has the component "\.\."/],
  ['an absolute path', [{ path: '/etc/x', content: '' }], /it is absolute/],
  [
    'a file twice',
    [
      { path: 'x', content: 'a' },
      { path: 'x', content: 'b' },
    ],
    /it holds \/x twice/,
  ],
  [
    'a path below a link',
    [
      { path: 'd', type: 'symlink', linkPath: 'e' },
      { path: 'd/x', content: '' },
    ],
    /\/d\/x lies below \/d, which is a symlink/,
  ],
  [
    'a link that leads out',
    [{ path: 'l', type: 'symlink', linkPath: '../../etc/passwd' }],
    /the link \/l to .* leads nowhere/,
  ],
  [
    'a link to what is not in it',
    [{ path: 'l', type: 'symlink', linkPath: '/etc/passwd' }],
    /the link \/l to .* leads nowhere/,
  ],
  ['a name that deletes', [{ path: 'd/.wh.x', content: '' }], /would delete \/d\/x/],
  ['a name that empties a folder', [{ path: 'd/.wh..wh..opq', content: '' }], /would delete \/d/],
  ['a device', [{ path: 'tty', type: 'character-device' }], /\/tty is a character-device/],
  ['a pipe', [{ path: 'p', type: 'fifo' }], /\/p is a fifo/],
  ['a hard link to what is not in it', [{ path: 'x', type: 'hardlink', linkPath: 'y' }], /\/x is another name of \/y/],
  ['nothing', [], /nothing in \/ is left to take/],
]

for (const [what, items, message] of hostile) {
  test(`an archive with ${what} is refused`, async (t) => {
    await assert.rejects(takeAll(t, gzipSync(tarOf(...items))), { code: 'SOURCE_INVALID', message })
  })
}

const damaged: readonly [string, () => Uint8Array, RegExp, Packing?][] = [
  [
    'gives far more than it has',
    () => gzipSync(tarOf({ path: 'x', content: Buffer.alloc(48 << 20) })),
    /give over \d+ bytes/,
  ],
  ['is cut short inside', () => gzipSync(tarOf({ path: 'x', content: 'x' }).subarray(0, 700)), /it is cut short/],
  ['is cut short', () => gzipSync(tarOf({ path: 'x', content: 'x' })).subarray(0, 60), /cannot decode gzip data of it/],
  ['is no gzip', () => Buffer.from('<html>not found</html>'), /cannot decode gzip data of it/],
  ['is no zip', () => gzipSync(tarOf({ path: 'x', content: '' })), /end of central directory/i, 'zip'],
]

for (const [what, bytes, message, packing] of damaged) {
  test(`an archive that ${what} is refused`, async (t) => {
    await assert.rejects(takeAll(t, bytes(), packing), { code: 'SOURCE_INVALID', message })
  })
}

test('paths that become one without their first folders are refused', async (t) => {
  const tar = tarOf({ path: 'a/x', content: '1' }, { path: 'b/x', content: '2' }, { path: 'b/y', content: '3' })
  const all = await takeAll(t, tar, 'tar')
  assert.deepEqual(
    all.map(({ place }) => place),
    ['', '/a', '/a/x', '/b', '/b/x', '/b/y'],
  )
  await assert.rejects(takeAll(t, tar, 'tar', 1), { code: 'SOURCE_INVALID', message: /\/a\/x and \/b\/x are one path/ })
})
