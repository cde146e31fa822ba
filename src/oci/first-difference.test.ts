import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf } from '#core'
import {
  composeImage,
  composeIndex,
  type ExecutionParameters,
  firstDifference,
  MEDIA_TYPES,
  openSource,
  platformOfDebian,
} from '#oci'
import { type TarItem, tarOf } from '#testkit'

interface Sample {
  readonly layers: readonly (readonly TarItem[])[]
  readonly config?: ExecutionParameters
  readonly level?: number
  readonly annotations?: Readonly<Record<string, string>>
}

const FILES: readonly TarItem[] = [
  { path: 'etc/', type: 'directory' },
  { path: 'etc/hostname', content: 'one\n' },
  { path: 'etc/motd', content: 'hello\n' },
]

const PLAIN: Sample = {
  layers: [[{ path: 'usr/', type: 'directory' }], FILES],
  config: { User: '65532', Env: ['A=1'] },
}

function open({ layers, config = {}, level = 6, annotations }: Sample) {
  const made = layers.map((items) => {
    const tar = tarOf(...items)
    const bytes = gzipSync(tar, { level })
    const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
    return { bytes, layer: { descriptor, diffId: digestOf(tar) } }
  })
  const image = composeImage({
    config: { platform: platformOfDebian('amd64'), created: '2026-01-02T03:04:05Z', config },
    layers: made.map(({ layer }) => layer),
    ...(annotations ? { annotations } : {}),
  })
  const blobs = {
    async *open(digest: string) {
      for (const { bytes, layer } of made) if (layer.descriptor.digest === digest) yield bytes
    },
  }
  return openSource(composeIndex([image], blobs), { name: 'sample', platform: undefined })
}

async function difference(other: Partial<Sample>): Promise<string | undefined> {
  const found = await firstDifference(await open(PLAIN), await open({ ...PLAIN, ...other }))
  return found && `${found.part} ${found.place}: ${found.reason}`
}

/** The last layer with one of its files changed, or without it. */
const withFile = (path: string, change: Partial<TarItem> | undefined) => ({
  layers: [
    ...PLAIN.layers.slice(0, 1),
    FILES.flatMap((item) =>
      item.path !== path ? [item] : change === undefined ? [] : [{ ...item, ...change } as TarItem],
    ),
  ],
})

test('images with the same manifest do not differ', async () => {
  assert.equal(await difference({}), undefined)
})

const hash = (text: string) => digestOf(Buffer.from(text))
const cases: readonly [string, Partial<Sample>, string][] = [
  [
    'a byte of a file',
    withFile('etc/motd', { content: 'hellO\n' }),
    `1 etc/motd: content ${hash('hello\n')}, ${hash('hellO\n')}`,
  ],
  ['the length of a file', withFile('etc/motd', { content: 'hello!\n' }), '1 etc/motd: size 6, 7'],
  ['permissions', withFile('etc/hostname', { mode: 0o4755 }), '1 etc/hostname: mode 644, 4755'],
  ['an owner', withFile('etc/hostname', { uid: 7 }), '1 etc/hostname: uid 0, 7'],
  ['a time', withFile('etc/hostname', { mtime: 5 }), '1 etc/hostname: mtime 1700000000, 5'],
  [
    'a kind of entry',
    withFile('etc/', { path: 'etc/', type: 'symlink', linkPath: 'usr' }),
    '1 etc/: type directory, symlink',
  ],
  ['a file that is missing', withFile('etc/hostname', undefined), '1 etc/hostname: it is there, it is not'],
  ['a file that is missing at the end', withFile('etc/motd', undefined), '1 etc/motd: it is there, it is not'],
  [
    'a file too many',
    { layers: [PLAIN.layers[0]!, [...FILES, { path: 'etc/shadow', content: '' }]] },
    '1 etc/shadow: it is not there, it is',
  ],
  ['a layer too few', { layers: PLAIN.layers.slice(0, 1) }, 'manifest layers: 2 layers, 1'],
  ['compression', { level: 1 }, '0 : the same files are compressed to other bytes'],
  ['a setting', { config: { User: '0', Env: ['A=1'] } }, 'config config.User: "65532", "0"'],
  ['a variable', { config: { User: '65532', Env: ['A=2'] } }, 'config config.Env.0: "A=1", "A=2"'],
  ['an annotation', { annotations: { a: 'b' } }, 'manifest annotations: none, {"a":"b"}'],
]

for (const [what, other, expected] of cases) {
  test(`the first difference is named: ${what}`, async () => {
    assert.equal(await difference(other), expected)
  })
}
