import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ArItem,
  arOf,
  buildDeb,
  bytesOf,
  compress,
  controlOf,
  forgedTarItem,
  paxItem,
  paxRecord,
  type TarItem,
  tarItem,
  tarOf,
} from '#testkit'
import { createDecoders } from './compression/decoders.ts'
import { readDebControl, readDebData } from './deb-file.ts'
import type { DebSource } from './deb-members.ts'
import { loadLibarchive } from './io/libarchive.ts'

const decoders = createDecoders(await loadLibarchive())
const VERSION: ArItem = { name: 'debian-binary', content: bytesOf('2.0\n') }
const CONTROL: ArItem = {
  name: 'control.tar',
  content: tarOf({ path: './control', content: controlOf({ name: 'sample' }) }),
}
const DATA: ArItem = { name: 'data.tar', content: tarOf({ path: './', type: 'directory' }) }

/** What came out of a package before it was at its end or refused. */
class Seen {
  readonly paths = new Set<string>()
  bytes = 0
}

/** Reads a whole package. */
function read(deb: Uint8Array, seen = new Seen()): Seen {
  const slice = (offset: number, length: number) => deb.subarray(offset, offset + length)
  const source: DebSource = { name: 'hostile.deb', size: deb.length, read: slice }
  const write = (chunk: Uint8Array) => {
    seen.bytes += chunk.length
  }
  readDebData(source, readDebControl(source, decoders).data, {
    decoders,
    onEntry: ({ path }) => {
      seen.paths.add(path)
      return { write, end: () => undefined }
    },
  })
  return seen
}

function refuses(what: string, code: string, deb: Uint8Array): void {
  test(`a package with ${what} is refused`, () => {
    assert.throws(() => read(deb), { code, message: /^cannot .*hostile\.deb/ })
  })
}

const withItems = (...dataItems: (TarItem | Uint8Array)[]) => buildDeb({ name: 'sample', dataItems })
const withControl = (...items: TarItem[]) =>
  arOf(
    VERSION,
    { name: 'control.tar', content: tarOf({ path: './control', content: controlOf({ name: 'sample' }) }, ...items) },
    DATA,
  )
const link = (path: string, linkPath: string): TarItem => ({ path, type: 'symlink', linkPath })
const hardlink = (path: string, linkPath: string): TarItem => ({ path, type: 'hardlink', linkPath })
const directory = (path: string): TarItem => ({ path, type: 'directory' })

test('the package that the hostile ones differ from is accepted', () => {
  assert.deepEqual([...read(arOf(VERSION, CONTROL, DATA)).paths], ['/'])
})

// case 12
refuses('no members', 'DEB_INVALID', arOf())
refuses('an ar size of -1', 'AR_INVALID', arOf(VERSION, { ...CONTROL, size: '-1' }, DATA))
refuses('an ar size of 9 999 999 999', 'AR_INVALID', arOf(VERSION, CONTROL, { ...DATA, size: '9999999999' }))
refuses('a second data.tar', 'DEB_INVALID', arOf(VERSION, CONTROL, DATA, DATA))
refuses(
  'a second data.tar in another compression',
  'DEB_INVALID',
  arOf(VERSION, CONTROL, DATA, { ...DATA, name: 'data.tar.xz' }),
)
refuses('a second control.tar', 'DEB_INVALID', arOf(VERSION, CONTROL, CONTROL, DATA))
refuses('its control behind its data', 'DEB_INVALID', arOf(VERSION, DATA, CONTROL))
refuses('its version behind its control', 'DEB_INVALID', arOf(CONTROL, VERSION, DATA))
refuses('something else behind its data', 'DEB_INVALID', arOf(VERSION, CONTROL, DATA, { ...VERSION, name: 'extra' }))
refuses('no data', 'DEB_INVALID', arOf(VERSION, CONTROL))
refuses('format 3.0', 'DEB_INVALID', arOf({ ...VERSION, content: bytesOf('3.0\n') }, CONTROL, DATA))
refuses('the old format', 'DEB_INVALID', bytesOf(arOf({ ...VERSION, content: bytesOf('0.939000\n') }, CONTROL, DATA)))
refuses('data in bzip2', 'DEB_INVALID', arOf(VERSION, CONTROL, { ...DATA, name: 'data.tar.bz2' }))
refuses(
  'a member that is only called like data',
  'DEB_INVALID',
  arOf(VERSION, CONTROL, { ...DATA, name: 'data.tarball' }),
)
refuses('a cut tail', 'AR_INVALID', buildDeb({ name: 'sample' }).subarray(0, -100))

// the control member
refuses('no control file', 'DEB_INVALID', arOf(VERSION, { ...CONTROL, content: tarOf(directory('./')) }, DATA))
refuses('two control files', 'DEB_INVALID', withControl({ path: 'control', content: 'Package: other\n' }))
refuses('a path out of its control folder', 'DEB_INVALID', withControl({ path: '../postinst' }))
refuses('a folder among its control files', 'DEB_INVALID', withControl(directory('./sub')))
refuses('a link among its control files', 'DEB_INVALID', withControl(link('./postinst', '/bin/sh')))
refuses(
  '300 control files',
  'TAR_LIMIT',
  withControl(...Array.from({ length: 300 }, (_, index) => ({ path: `./f${index}` }))),
)
const controlText = (content: string | Uint8Array) =>
  arOf(VERSION, { ...CONTROL, content: tarOf({ path: './control', content }) }, DATA)
refuses(
  'two control paragraphs',
  'DEB_INVALID',
  controlText(`${controlOf({ name: 'one' })}\n${controlOf({ name: 'two' })}`),
)
refuses('an empty control file', 'DEB_INVALID', controlText(''))
refuses('a control file that is no UTF-8', 'DEB_INVALID', controlText(Uint8Array.of(0x50, 0xff)))

// case 13
refuses('a path that leaves the root', 'DEB_REFUSED', withItems({ path: '../../etc/passwd' }))
refuses('an absolute path', 'DEB_REFUSED', withItems({ path: '/etc/passwd' }))
refuses(
  'a pax path that leaves the root',
  'DEB_REFUSED',
  withItems(paxItem('x', paxRecord('path', './a/../../b')), { path: './a' }),
)
refuses('a newline in a name', 'TAR_INVALID', withItems({ path: './a\nb' }))
refuses('NUL in a pax path', 'TAR_INVALID', withItems(paxItem('x', paxRecord('path', './a\u0000b')), { path: './a' }))
refuses('a path 30 000 deep', 'TAR_LIMIT', withItems({ path: `./${'d/'.repeat(30_000)}f` }))

// case 14
refuses('a file written through a link', 'DEB_REFUSED', withItems(link('./lib', '/etc'), { path: './lib/passwd' }))
refuses('a file deep below a link', 'DEB_REFUSED', withItems(link('./a', '..'), { path: './a/b/c/d' }))
refuses('a link put where a folder is in use', 'DEB_REFUSED', withItems({ path: './a/b' }, link('./a', '/etc')))
refuses('a folder turned into a link', 'DEB_REFUSED', withItems(directory('./a'), link('./a', '/etc')))
refuses('a file below a file', 'DEB_REFUSED', withItems({ path: './a' }, { path: './a/b' }))
refuses('a root that is a link', 'DEB_REFUSED', buildDeb({ name: 'sample', dataTar: tarOf(link('./', '/etc')) }))

// case 16
refuses('a hard link out of the root', 'DEB_REFUSED', withItems(hardlink('./a', '../../etc/shadow')))
refuses('a hard link to an absolute path', 'DEB_REFUSED', withItems(hardlink('./a', '/etc/shadow')))
refuses('a hard link to nothing', 'DEB_REFUSED', withItems(hardlink('./a', './missing')))
refuses('a hard link to a later file', 'DEB_REFUSED', withItems(hardlink('./a', './b'), { path: './b' }))
refuses('a hard link to itself', 'DEB_REFUSED', withItems(hardlink('./a', './a')))
refuses('a hard link to a symbolic link', 'DEB_REFUSED', withItems(link('./b', '/etc/shadow'), hardlink('./a', './b')))
refuses(
  'a hard link through a symbolic link',
  'DEB_REFUSED',
  withItems({ path: './d/f' }, link('./e', 'd'), hardlink('./a', './e/f')),
)
refuses('a hard link to a directory', 'DEB_REFUSED', withItems(directory('./d'), hardlink('./a', './d')))

// case 17
for (const type of ['character-device', 'block-device', 'fifo'] as const) {
  refuses(`a ${type}`, 'DEB_REFUSED', withItems({ path: './dev/x', type, deviceMajor: 1, deviceMinor: 3 }))
}

// case 18
for (const path of ['./.wh.bin', './usr/.wh..wh..opq', './.wh.d/file']) {
  refuses(`the whiteout ${path}`, 'DEB_REFUSED', withItems({ path }))
}

// paths that come twice
refuses('a file that comes twice', 'DEB_REFUSED', withItems({ path: './a' }, { path: './a' }))
refuses('a file that comes twice in two spellings', 'DEB_REFUSED', withItems({ path: './a' }, { path: 'a' }))
refuses('a file that is also a folder', 'DEB_REFUSED', withItems({ path: './a' }, directory('./a/')))

// cases 21 and 23
refuses('a sparse file', 'TAR_INVALID', withItems(forgedTarItem({ path: './a' }, { 156: 'S' })))
refuses('a damaged tar header', 'TAR_INVALID', withItems(forgedTarItem({ path: './a' }, { 148: '0000000\u0000' })))
refuses(
  'a tar archive that is cut short',
  'TAR_INVALID',
  buildDeb({ name: 'sample', dataTar: tarItem({ path: './a' }) }),
)
for (const compression of ['gzip', 'xz', 'zstd'] as const) {
  const content = compress(DATA.content, compression)
  const name = `data.tar.${{ gzip: 'gz', xz: 'xz', zstd: 'zst' }[compression]}`
  refuses(
    `${compression} data that is cut short`,
    'COMPRESSION_INVALID',
    arOf(VERSION, CONTROL, { name, content: content.subarray(0, -2) }),
  )
  refuses(
    `garbage behind its ${compression} data`,
    'COMPRESSION_INVALID',
    arOf(VERSION, CONTROL, { name, content: bytesOf(content, 'garbage.') }),
  )
}

// case 20
for (const compression of ['gzip', 'xz', 'zstd'] as const) {
  const suffix = { gzip: 'gz', xz: 'xz', zstd: 'zst' }[compression]
  const zeros = new Array<Uint8Array>(128).fill(compress(new Uint8Array(8 * 2 ** 20), compression))
  const content = bytesOf(compress(tarItem({ path: './zeros', size: 2 ** 30 }), compression), ...zeros)

  test(`a package whose ${compression} data is a bomb of 1 GiB is given up on early`, () => {
    const deb = arOf(VERSION, CONTROL, { name: `data.tar.${suffix}`, content })
    const seen = new Seen()
    assert.throws(() => read(deb, seen), { code: 'COMPRESSION_LIMIT', message: /hostile\.deb \(data\.tar/ })
    assert.ok(seen.bytes <= 32 * 2 ** 20, `${seen.bytes} bytes`)
  })

  refuses(
    `a ${compression} bomb as control`,
    // xz data says beforehand how long it will be.
    compression === 'xz' ? 'COMPRESSION_LIMIT' : 'TAR_LIMIT',
    arOf(VERSION, { name: `control.tar.${suffix}`, content }, DATA),
  )
}

// case 24
test('a package of 10 000 files in 10 000 folders is read in one pass', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => [`/usr/d${index}/f`, 'x'])
  const seen = read(buildDeb({ name: 'many', files: Object.fromEntries(names) }))
  assert.equal(seen.bytes, 10_000)
  assert.equal(seen.paths.size, 20_002)
})

// case 25
test('a maintainer script is bytes to us, whatever it says', () => {
  const scripts = { preinst: '#!/bin/sh\nkill -9 $PPID\n', postinst: '#!/bin/sh\nkill -9 $PPID\n' }
  assert.deepEqual([...read(buildDeb({ name: 'sample', scripts })).paths], ['/'])
})
