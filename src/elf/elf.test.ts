import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sampleElf } from '#testkit'
import { isElf, parseElf } from './elf.ts'

/** Versions of symbols that binutils reads in a file, weak ones left out of those that it needs. */
function readelfVersions(path: string) {
  const env = { ...process.env, LC_ALL: 'C' }
  const text = execFileSync('readelf', ['--wide', '--version-info', path], {
    encoding: 'utf8',
    env,
    maxBuffer: 2 ** 26,
  })
  const [, defined = ''] = /Version definition section([\s\S]*?)(?=\n\nVersion|$)/.exec(text) ?? []
  const [, needed = ''] = /Version needs section([\s\S]*?)(?=\n\nVersion|$)/.exec(text) ?? []
  return {
    versionsDefined: [...defined.matchAll(/^ +(?:0x)?[0-9a-f]+: Rev: 1 +Flags: (?!BASE).*Name: (\S+)/gm)].map(
      ([, name]) => name,
    ),
    versionsNeeded: needed
      .split(/(?=^ +(?:0x)?[0-9a-f]+: Version: 1 )/m)
      .filter((part) => part.includes('File:'))
      .map((part) => ({
        library: /File: (\S+)/.exec(part)?.[1],
        versions: [...part.matchAll(/Name: (\S+) +Flags: (?!WEAK)/g)].map(([, name]) => name),
      })),
  }
}

/** What binutils reads in a file: needs, own name, run paths, interpreter. */
function readelf(path: string) {
  const env = { ...process.env, LC_ALL: 'C' }
  const text = execFileSync('readelf', ['--wide', '--dynamic', '--program-headers', path], { encoding: 'utf8', env })
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found)
  return {
    needed: all(/\(NEEDED\).*\[(.*)\]/g),
    soname: all(/\(SONAME\).*\[(.*)\]/g)[0],
    rpath: all(/\(RPATH\).*\[(.*)\]/g).flatMap((list) => list.split(':')),
    runpath: all(/\(RUNPATH\).*\[(.*)\]/g).flatMap((list) => list.split(':')),
    interpreter: all(/program interpreter: (.*)\]/g)[0],
  }
}

function ours(path: string) {
  const { needed, soname, rpath, runpath, interpreter } = parseElf(readFileSync(path), path)
  return { needed, soname, rpath, runpath, interpreter }
}

const programs = ['apt-get', 'bash', 'busybox', 'gpg', 'openssl', 'podman', 'python3', 'skopeo', 'zsh']
for (const name of programs) {
  test(`${name} needs what readelf says`, () => {
    const [path = ''] = ['/usr/bin', '/bin'].map((folder) => join(folder, name)).filter((file) => readable(file))
    assert.deepEqual(ours(path), readelf(path))
  })
}

for (const name of ['libc.so.6', 'libssl.so.3', 'libstdc++.so.6']) {
  test(`${name} defines and needs the versions of symbols that readelf says`, () => {
    const [path = ''] = execFileSync('sh', ['-c', `ls /usr/lib/*-linux-gnu/${name}`], { encoding: 'utf8' }).split('\n')
    const { versionsDefined, versionsNeeded } = parseElf(readFileSync(path), path)
    assert.deepEqual({ versionsDefined, versionsNeeded }, readelfVersions(path))
    assert.ok(versionsDefined.length > 0 && versionsNeeded.length > 0)
  })
}

test('versions of symbols are read of the sample; tables without end or outside of the file are refused', () => {
  const versionsNeeded = { 'libc.so.6': ['GLIBC_2.38', 'GLIBC_2.4'], 'libm.so.6': ['GLIBC_2.29'] }
  const sample = { needed: ['libc.so.6', 'libm.so.6'], versionsNeeded, versionsDefined: ['A_1', 'A_2'] }
  const elf = parseElf(sampleElf(sample), 'it')
  assert.deepEqual(elf.versionsDefined, ['A_1', 'A_2'])
  assert.deepEqual(
    elf.versionsNeeded,
    Object.entries(versionsNeeded).map(([library, versions]) => ({ library, versions })),
  )
  const bytes = sampleElf({ versionsNeeded })
  const record = bytes.indexOf(Buffer.from([1, 0, 2, 0]))
  for (const [offset, value] of [
    [2, 0xffff],
    [4, 0xffff_ffff],
    [8, 0x7fff_ffff],
    [12, 0x7fff_ffff],
  ] as const) {
    const forged = Buffer.from(bytes)
    if (offset === 2) forged.writeUInt16LE(value, record + offset)
    else forged.writeUInt32LE(value, record + offset)
    assert.throws(() => parseElf(forged, 'it'), /cannot read it as ELF/, `at ${offset}`)
  }
})

test('this Node and the sample say what readelf says', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-elf-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sample')
  const names = { needed: ['libb.so.1', 'libc.so.6'], soname: 'liba.so.1', rpath: '/a:/b', runpath: '$ORIGIN/../lib' }
  writeFileSync(file, sampleElf({ ...names, interpreter: '/lib64/ld.so' }))
  const lists = { rpath: ['/a', '/b'], runpath: ['$ORIGIN/../lib'] }
  assert.deepEqual(ours(file), { ...names, ...lists, interpreter: '/lib64/ld.so' })
  for (const path of [file, process.execPath]) assert.deepEqual(ours(path), readelf(path))
})

function readable(path: string): boolean {
  try {
    return isElf(readFileSync(path).subarray(0, 4))
  } catch {
    return false
  }
}

/** A sample with bytes changed: at each offset, a number in so many bytes. */
function forged(...changes: readonly [offset: number, length: 2 | 4 | 8, value: bigint][]): Buffer {
  const bytes = sampleElf({ needed: ['libc.so.6'], interpreter: '/lib64/ld.so' })
  for (const [offset, length, value] of changes) {
    const number = Buffer.alloc(8)
    number.writeBigUInt64LE(value)
    bytes.set(number.subarray(0, length), offset)
  }
  return bytes
}

const ALL = 0xffff_ffff_ffff_ffffn
const good = sampleElf({ needed: ['libc.so.6'], interpreter: '/lib64/ld.so' })
/** Where the three segment headers and the dynamic section of the sample lie. */
const [INTERP, LOAD, DYNAMIC] = [64, 120, 176]
const dynamicAt = Number(good.readBigUInt64LE(DYNAMIC + 8))

const hostile: [bytes: Buffer, fault: RegExp, because: string][] = [
  [Buffer.from('#!/bin/sh'), /does not begin as ELF/, 'a script'],
  [good.subarray(0, 20), /ends before byte/, 'cut in its header'],
  [good.subarray(0, 100), /ends before byte/, 'cut in its segments'],
  [good.subarray(0, dynamicAt + 4), /ends before byte|no end/, 'cut in its dynamic section'],
  [forged([4, 2, 0x0109n]), /class is 9/, 'an unknown class'],
  [forged([4, 2, 0x0202n]), /not little-endian/, 'big-endian'],
  [forged([56, 2, 0xffffn]), /65535 segments/, 'more segments than are read'],
  [forged([54, 2, 1n]), /headers have 1 bytes/, 'overlapping segment headers'],
  [forged([32, 8, ALL]), /larger than any file/, 'segments beyond any file'],
  [forged([INTERP + 8, 8, 1n << 40n]), /ends before byte/, 'an interpreter out of the file'],
  [forged([INTERP + 32, 8, 3n]), /a name has no end/, 'an interpreter without end'],
  [forged([LOAD + 32, 8, 0n]), /lies in no segment/, 'names in no segment'],
  [forged([dynamicAt + 8, 8, 1n << 30n]), /outside of its table/, 'a name out of its table'],
  [forged([dynamicAt + 16, 8, 99n]), /no table of names/, 'no table'],
  [forged([DYNAMIC + 32, 8, 1n << 50n], [dynamicAt + 48, 8, 6n]), /ends before byte/, 'a dynamic section without end'],
]
for (const [bytes, fault, because] of hostile) {
  test(`a hostile ELF file is refused: ${because}`, () => {
    assert.throws(() => parseElf(bytes, 'it'), fault)
    assert.throws(() => parseElf(bytes, 'it'), /cannot read it as ELF: /)
  })
}

test('whatever byte of a header is changed, reading ends, with an answer or the one error', () => {
  for (let at = 0; at < good.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const bytes = Buffer.from(good)
      bytes[at] = value
      try {
        parseElf(bytes, 'it')
      } catch (error) {
        assert.match(String(error), /cannot read it as ELF/)
      }
    }
  }
})

test('a section with more entries than any program has is refused', () => {
  const needed = Array.from({ length: 16_400 }, (_, index) => `lib${index}.so`)
  assert.throws(() => parseElf(sampleElf({ needed }), 'it'), /more than 16384 dynamic entries/)
})
