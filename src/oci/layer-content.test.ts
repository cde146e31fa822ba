import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf, encodeTarEntry, TAR_END, type TarHeaderInput, tarPadding } from '#core'
import { mergeLayers, readImageFiles, readLayerContent } from './layer-content.ts'

type Entry = Partial<TarHeaderInput> & { readonly path: string; readonly content?: string }

const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: 0 } as const

function layer(...entries: readonly Entry[]) {
  const parts = entries.flatMap(({ content = '', ...entry }) => {
    const type = entry.type ?? (entry.path.endsWith('/') ? 'directory' : 'file')
    const bytes = Buffer.from(content)
    return [
      encodeTarEntry({ ...metadata, ...entry, type, size: bytes.length }),
      bytes,
      Buffer.alloc(tarPadding(bytes.length)),
    ]
  })
  const tar = Buffer.concat([...parts, TAR_END])
  return {
    async *openTar() {
      for (let at = 0; at < tar.length; at += 700) yield tar.subarray(at, at + 700)
    },
  }
}

function link(path: string, linkPath: string, type: 'symlink' | 'hardlink' = 'symlink'): Entry {
  return { path, type, linkPath }
}

/** Reads an image, and the same layer by layer. */
async function read(...layers: readonly ReturnType<typeof layer>[]) {
  const files = await readImageFiles(layers, { wants: () => true })
  const merged = mergeLayers(await Promise.all(layers.map((one) => readLayerContent(one, { wants: () => true }))))
  const byPath = (all: typeof files) => [...all.entries()].sort((one, other) => (one.path < other.path ? -1 : 1))
  assert.deepEqual(byPath(merged), byPath(files), 'layers that were read by themselves make the same image')
  return files
}

function text(files: Awaited<ReturnType<typeof read>>, path: string): string | undefined {
  const content = files.read(path)
  return content && Buffer.from(content).toString()
}

test('the topmost layer that has a path is the one that is read', async () => {
  const files = await read(
    layer({ path: 'etc/' }, { path: 'etc/a', content: 'lower' }, { path: 'etc/b', content: 'kept' }),
    layer({ path: 'etc/a', content: 'upper' }),
  )
  assert.deepEqual([text(files, '/etc/a'), text(files, '/etc/b')], ['upper', 'kept'])
  assert.deepEqual([files.get('/etc/a')?.layer, files.get('/etc/b')?.layer], [1, 0])
})

test('a whiteout hides a path and all below it in lower layers, not in its own', async () => {
  const lower = layer({ path: 'a/' }, { path: 'a/x', content: '1' }, { path: 'b', content: '1' })
  const files = await read(
    lower,
    layer({ path: '.wh.a' }, { path: '.wh.b' }, { path: 'a/' }, { path: 'a/y', content: '2' }),
  )
  assert.deepEqual([text(files, '/a/x'), text(files, '/b'), text(files, '/a/y')], [undefined, undefined, '2'])
})

test('an opaque folder hides what lower layers have in it', async () => {
  const lower = layer({ path: 'a/' }, { path: 'a/x', content: '1' }, { path: 'ab', content: 'b' })
  const files = await read(lower, layer({ path: 'a/' }, { path: 'a/.wh..wh..opq' }, { path: 'a/z', content: '3' }))
  assert.deepEqual([text(files, '/a/x'), text(files, '/a/z'), text(files, '/ab')], [undefined, '3', 'b'])
})

test('what takes the place of a folder hides what was in it', async () => {
  const lower = layer({ path: 'lib/' }, { path: 'lib/x', content: '1' })
  const files = await read(lower, layer(link('lib', 'usr/lib')))
  assert.equal(files.get('/lib/x'), undefined)
})

test('links are followed inside the image only, and not for ever', async () => {
  const files = await read(
    layer(
      { path: 'usr/' },
      { path: 'usr/lib/' },
      { path: 'usr/lib/os-release', content: 'ID=debian' },
      link('etc/os-release', '../../../usr/lib/os-release'),
      link('lib', 'usr/lib'),
      link('round', 'round'),
      link('usr/lib/same', 'usr/lib/os-release', 'hardlink'),
    ),
  )
  assert.equal(text(files, '/etc/os-release'), 'ID=debian')
  assert.equal(text(files, '/lib/os-release'), 'ID=debian')
  assert.equal(text(files, '/lib/same'), 'ID=debian')
  assert.equal(files.resolve('/round'), undefined)
  assert.equal(files.resolve('/../lib')?.path, '/usr/lib')
})

test('only what is wanted is held, and no more than may be', async () => {
  const layers = [layer({ path: 'a', content: 'aaaa' }, { path: 'b', content: 'bbbb' })]
  const files = await readImageFiles(layers, { wants: ({ path }) => path === '/a' })
  assert.deepEqual([text(files, '/a'), text(files, '/b'), files.get('/b')?.size], ['aaaa', undefined, 4])
  await assert.rejects(readImageFiles(layers, { wants: () => true, maxContent: 7 }), {
    code: 'IMAGE_LIMIT',
    message: /cannot read \/b/,
  })
})

test('every visible file gets its digest on request, held or not; a hard link that of its own layer’s file', async () => {
  const layers = [
    layer({ path: 'a', content: 'lower' }, link('b', 'a', 'hardlink'), link('c', 'b', 'hardlink'), { path: 'empty' }),
    layer({ path: 'a', content: 'upper' }, link('l', 'a')),
  ]
  const files = await readImageFiles(layers, { wants: () => false, hashes: true, maxContent: 0 })
  assert.deepEqual(
    ['/a', '/b', '/c', '/empty', '/l'].map((path) => files.get(path)?.digest),
    [digestOf('upper'), digestOf('lower'), digestOf('lower'), digestOf(''), undefined],
  )
  assert.equal(files.read('/a'), undefined)
  const plain = await readImageFiles(layers, { wants: ({ path }) => path === '/a' })
  assert.deepEqual([text(plain, '/a'), plain.get('/a')?.digest], ['upper', undefined])
})

test('extended attributes are given as the layer has them', async () => {
  const xattrs = new Map([['security.capability', Buffer.from([1, 0, 0, 2])]])
  const files = await read(layer({ path: 'ping', content: 'x', xattrs }))
  assert.deepEqual([...(files.get('/ping')?.xattrs ?? [])], [['security.capability', Buffer.from([1, 0, 0, 2])]])
})
