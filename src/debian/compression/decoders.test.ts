import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { digestOf } from '#core'
import { bytesOf, compress, runXz } from '#testkit'
import { loadLibarchive } from '../io/libarchive.ts'
import type { Compression, DecodeLimits } from './decoder.ts'
import { createDecoders } from './decoders.ts'

const decoders = createDecoders(await loadLibarchive())
const LIMITS: DecodeLimits = { maxOutput: 2 ** 30, maxRatio: 1000 }
const HARMLESS = 32 * 2 ** 20
const COMPRESSIONS = ['none', 'gzip', 'xz', 'zstd'] as const
const PACKED = ['gzip', 'xz', 'zstd'] as const

/** The same numbers every time. */
function randomBytes(size: number, seed: number, symbols = 256): Uint8Array {
  let state = seed
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 24) % symbols
  })
}

function decode(compression: Compression, data: Uint8Array, step = data.length): Uint8Array {
  const chunks: Uint8Array[] = []
  const onOutput = (chunk: Uint8Array) => void chunks.push(Uint8Array.from(chunk))
  const decoder = decoders(compression, { origin: 'sample', limits: LIMITS, onOutput })
  for (let at = 0; at < data.length; at += step) decoder.push(data.subarray(at, at + step))
  decoder.end()
  return Buffer.concat(chunks)
}

const TEXT = bytesOf(
  'Casemate decodes what Debian packs.\n'.repeat(3000),
  randomBytes(50_000, 1),
  randomBytes(200_000, 2, 5),
)

for (const compression of COMPRESSIONS) {
  const packed = compress(TEXT, compression)
  for (const step of [1, 1000, 65_536, packed.length]) {
    test(`${compression} data in pieces of ${step} bytes is decoded`, () => {
      assert.equal(digestOf(decode(compression, packed, step)), digestOf(TEXT))
    })
  }
  test(`${compression} data of no content is decoded`, () => {
    assert.equal(decode(compression, compress(new Uint8Array(0), compression)).length, 0)
  })
}

for (const compression of PACKED) {
  const packed = compress(bytesOf('one'), compression)

  test(`two ${compression} streams one behind the other are decoded as one`, () => {
    assert.deepEqual(decode(compression, bytesOf(packed, compress(bytesOf('two'), compression)), 5), bytesOf('onetwo'))
  })

  const damaged: [string, Uint8Array][] = [
    ['no bytes', new Uint8Array(0)],
    ['another format', bytesOf('BZh91AY&SY, which deb(5) no longer knows')],
    ['garbage behind it', bytesOf(packed, 'garbage and more')],
    ['one byte behind it', bytesOf(packed, 'x')],
    ['zeros behind it', bytesOf(packed, new Uint8Array(3))],
    ['half of another behind it', bytesOf(packed, packed.subarray(0, packed.length >> 1))],
  ]
  for (const [what, data] of damaged) {
    test(`${compression} data with ${what} is refused`, () => {
      assert.throws(() => decode(compression, data), {
        name: 'DebianError',
        code: 'COMPRESSION_INVALID',
        message: /sample/,
      })
    })
  }

  test(`${compression} data that is cut anywhere is refused`, () => {
    const data = compress(TEXT.subarray(107_000, 111_000), compression)
    for (let size = 0; size < data.length; size += 7) {
      assert.throws(() => decode(compression, data.subarray(0, size)), { code: 'COMPRESSION_INVALID' }, `${size} bytes`)
    }
  })

  test(`${compression} data with any bit flipped gives an error or what it gave before`, () => {
    const content = TEXT.subarray(107_700, 108_200)
    const data = compression === 'zstd' ? zstdWithChecksum(content) : compress(content, compression)
    for (let at = 0; at < data.length; at++) {
      const flipped = Uint8Array.from(data)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      assert.ok(sameOrTyped(compression, flipped, content), `byte ${at}`)
    }
  })
}

function zstdWithChecksum(content: Uint8Array): Uint8Array {
  const checksumFlag = 201
  return zstdCompressSync(content, { params: { [checksumFlag]: 1 } })
}

function sameOrTyped(compression: Compression, data: Uint8Array, content: Uint8Array): boolean {
  try {
    return Buffer.from(decode(compression, data)).equals(content)
  } catch (error) {
    return error instanceof Error && 'code' in error && /^COMPRESSION_/.test(String(error.code))
  }
}

/** A bomb of 1 GiB that is quick to make: streams of 8 MiB of zeros one behind the other. */
function bomb(compression: Compression): Uint8Array {
  return Buffer.concat(new Array<Uint8Array>(128).fill(compress(new Uint8Array(8 * 2 ** 20), compression)))
}

for (const compression of PACKED) {
  test(`a ${compression} bomb is given up on before it has given more than is harmless`, () => {
    let bytes = 0
    const onOutput = (chunk: Uint8Array) => {
      bytes += chunk.length
    }
    const decoder = decoders(compression, { origin: 'bomb', limits: LIMITS, onOutput })
    const run = () => {
      for (let data = bomb(compression), at = 0; at < data.length; at += 4096)
        decoder.push(data.subarray(at, at + 4096))
      decoder.end()
    }
    assert.throws(run, { name: 'DebianError', code: 'COMPRESSION_LIMIT', message: /^cannot decode \w+ data of bomb: / })
    assert.ok(bytes <= HARMLESS, `${bytes} bytes`)
  })
}

for (const compression of COMPRESSIONS) {
  test(`${compression} data over the absolute limit is given up on`, () => {
    const limits = { maxOutput: 100_000, maxRatio: 1000 }
    let bytes = 0
    const onOutput = (chunk: Uint8Array) => {
      bytes += chunk.length
    }
    const decoder = decoders(compression, { origin: 'sample', limits, onOutput })
    const run = () => {
      decoder.push(compress(TEXT, compression))
      decoder.end()
    }
    assert.throws(run, { code: 'COMPRESSION_LIMIT' })
    assert.ok(bytes <= limits.maxOutput)
  })
}

const DICTIONARIES: [string, number, string][] = [
  ['96 MiB', 29, 'COMPRESSION_LIMIT'],
  ['3 GiB', 39, 'COMPRESSION_LIMIT'],
  ['4 GiB', 40, 'COMPRESSION_LIMIT'],
]
for (const [size, property, code] of DICTIONARIES) {
  test(`an xz dictionary of ${size} is refused before it is allocated`, () => {
    const data = Buffer.from(runXz(TEXT, ['-6']))
    const header = data.subarray(12, 12 + (data.readUInt8(12) + 1) * 4)
    header.writeUInt8(property, header.indexOf(Uint8Array.of(0x21, 1)) + 2)
    header.writeUInt32LE(crc32(header.subarray(0, -4)), header.length - 4)
    assert.throws(() => decode('xz', data), { code })
  })
}

test('xz data with the largest dictionary of its presets is decoded', () => {
  assert.equal(digestOf(decode('xz', runXz(TEXT, ['-9e']))), digestOf(TEXT))
})

test('xz data with stream padding is decoded, and with half of it refused', () => {
  const data = compress(bytesOf('one'), 'xz')
  assert.deepEqual(decode('xz', bytesOf(data, new Uint8Array(8), data, new Uint8Array(4))), bytesOf('oneone'))
  assert.throws(() => decode('xz', bytesOf(data, new Uint8Array(6))), { code: 'COMPRESSION_INVALID' })
})

for (const options of [['--check=sha256'], ['--check=none'], ['--x86', '--lzma2'], ['--delta=dist=4', '--lzma2']]) {
  test(`xz data made with ${options.join(' ')} is decoded`, () => {
    assert.equal(digestOf(decode('xz', runXz(TEXT, options))), digestOf(TEXT))
  })
}

test('the older format of lzma is refused', () => {
  assert.throws(() => decode('xz', runXz(TEXT, ['--format=lzma'])), { code: 'COMPRESSION_INVALID' })
})

test('the dictionary is found behind another filter', () => {
  const data = runXz(TEXT, ['--x86', '--lzma2=dict=96MiB'])
  assert.throws(() => decode('xz', data), { code: 'COMPRESSION_LIMIT' })
})

test('a zstd window of 2 GiB is refused', () => {
  const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 0x09, 0x00, 0x00, 0x61)
  assert.throws(() => decode('zstd', frame), { code: 'COMPRESSION_LIMIT' })
})

test('a zstd frame may be skippable', () => {
  const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2)
  assert.deepEqual(decode('zstd', bytesOf(skippable, compress(bytesOf('one'), 'zstd'), skippable)), bytesOf('one'))
})

test('what takes the output may throw, and the next decoder of the thread is not harmed', () => {
  for (const compression of COMPRESSIONS) {
    const onOutput = () => {
      throw new RangeError('enough')
    }
    const decoder = decoders(compression, { origin: 'sample', limits: LIMITS, onOutput })
    const run = () => {
      decoder.push(compress(TEXT, compression))
      decoder.end()
    }
    assert.throws(run, RangeError)
    assert.equal(digestOf(decode(compression, compress(TEXT, compression))), digestOf(TEXT))
  }
})

test('gzip data of every level and strategy of zlib is decoded', () => {
  const contents = [TEXT, new Uint8Array(300_000), randomBytes(70_000, 4)]
  for (const level of [0, 1, 6, 9]) {
    for (const strategy of [0, 1, 2, 3, 4]) {
      for (const content of contents) {
        const data = gzipSync(content, { level, strategy, memLevel: level === 9 ? 1 : 8 })
        assert.equal(digestOf(decode('gzip', data, 40_000)), digestOf(content), `level ${level}, strategy ${strategy}`)
      }
    }
  }
})

test('gzip data with a name, a comment, extra fields and a header checksum is decoded', () => {
  const plain = gzipSync('named')
  const header = bytesOf(
    Uint8Array.of(0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3),
    Uint8Array.of(2, 0, 7, 7),
    'name\u0000note\u0000..',
  )
  assert.deepEqual(decode('gzip', bytesOf(header, plain.subarray(10)), 3), bytesOf('named'))
})

const DEFLATE_FAULTS: [string, RegExp, string][] = [
  ['a block of the kind that does not exist', /block of no known kind/, '07'],
  ['a stored block whose length is damaged', /length of a stored block/, '0101000000'],
  ['a match before the beginning', /before its beginning/, '0302'],
  ['a length code that means nothing', /means nothing/, '1b03'],
  ['code lengths that make no code', /make no code/, '05e0ffffffffffffffff'],
  ['more codes than there are', /too many codes/, 'f5'],
  ['a wrong checksum', /checksum is wrong/, '0300aa'],
  ['a wrong length', /length is wrong/, '030000000000aa'],
]
for (const [what, reason, hex] of DEFLATE_FAULTS) {
  test(`gzip data with ${what} is refused`, () => {
    const data = bytesOf(gzipSync('').subarray(0, 10), Buffer.from(hex.padEnd(40, '0'), 'hex'))
    assert.throws(() => decode('gzip', data), { code: 'COMPRESSION_INVALID', message: reason })
  })
}
