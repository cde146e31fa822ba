import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { digestOf } from '#core'
import { ApplicationScan, type UnownedFile } from '#sbom'
import { declaredLicence } from './declared-licence.ts'

const sample = (name: string) => readFileSync(join(import.meta.dirname, 'testdata', name))
const layer = digestOf('layer')

interface File {
  readonly path: string
  readonly content: Uint8Array | string
  readonly mode?: number
  readonly size?: number
  /** Bytes that are handed over at once. */
  readonly step?: number
}

/** What a scan finds when all these files are no Debian package's. */
function scanOf(files: readonly File[], unowned: readonly UnownedFile[] = []) {
  const scan = new ApplicationScan()
  for (const { path, content, mode = 0o644, size, step = 65536 } of files) {
    const bytes = Buffer.from(content)
    const sink = scan.sink({ path, mode, size: size ?? bytes.length })
    for (let at = 0; at < bytes.length; at += step) sink?.write(bytes.subarray(at, at + step))
    sink?.end()
  }
  return scan.finish([...files.map(({ path }) => ({ path, contentPath: path, layer })), ...unowned])
}

/** A zip archive of these files. */
function zipOf(files: Readonly<Record<string, Uint8Array | string>>, deflate = true): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const plain = Buffer.from(content)
    const bytes = deflate ? deflateRawSync(plain, { level: 1 }) : plain
    const head = Buffer.alloc(30)
    head.writeUInt32LE(0x04034b50)
    head.writeUInt16LE(name.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50)
    central.writeUInt16LE(deflate ? 8 : 0, 10)
    central.writeUInt32LE(bytes.length, 20)
    central.writeUInt32LE(plain.length, 24)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE(offset, 42)
    parts.push(head, Buffer.from(name), bytes)
    directory.push(central, Buffer.from(name))
    offset += 30 + name.length + bytes.length
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(directory.length / 2, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, ...directory, end])
}

const short = ({ applications }: ReturnType<typeof scanOf>) => applications.map(({ purl, path }) => `${purl} ${path}`)

test('npm: packages, nested and scoped, each by its own folder', () => {
  const at = '/app/node_modules'
  const yaml = readFileSync(join(import.meta.dirname, '../../../node_modules/yaml/package.json'))
  const found = scanOf([
    { path: `${at}/yaml/package.json`, content: yaml },
    { path: `${at}/yaml/dist/index.js`, content: '' },
    { path: `${at}/@a/b/package.json`, content: '{"name":"@a/b","version":"1.0.0","license":"see LICENSE"}' },
    { path: `${at}/@a/b/node_modules/yaml/package.json`, content: '{"name":"yaml","version":"1.0.0+x"}' },
    { path: `${at}/@a/b/node_modules/stray/x.js`, content: '' },
    { path: `${at}/.package-lock.json`, content: '{}' },
    { path: '/app/package.json', content: '{"name":"app","version":"1.0.0"}' },
    { path: `${at}/yaml/browser/package.json`, content: '{"type":"module"}' },
  ])
  const version = JSON.parse(yaml.toString()).version
  assert.deepEqual(short(found), [
    `pkg:npm/%40a/b@1.0.0 ${at}/@a/b/package.json`,
    `pkg:npm/yaml@1.0.0%2Bx ${at}/@a/b/node_modules/yaml/package.json`,
    `pkg:npm/yaml@${version} ${at}/yaml/package.json`,
  ])
  assert.deepEqual([found.applications[0]?.licence, found.applications[2]?.licence], [undefined, 'ISC'])
  assert.ok(!found.explained.has('/app/package.json') && !found.explained.has(`${at}/@a/b/node_modules/stray/x.js`))
  assert.equal(found.explained.size, 6)
})

test('PyPI: metadata gives the package, its RECORD the files, their byte code among them', () => {
  const at = '/app/lib/python3.13/site-packages'
  const found = scanOf([
    { path: `${at}/six-1.17.0.dist-info/METADATA`, content: sample('six-METADATA') },
    { path: `${at}/six-1.17.0.dist-info/RECORD`, content: sample('six-RECORD') },
    { path: `${at}/six.py`, content: '' },
    { path: `${at}/__pycache__/six.cpython-313.pyc`, content: '' },
    { path: `${at}/seven.py`, content: '' },
    { path: `${at}/Foo_Bar.egg-info/PKG-INFO`, content: 'Name: Foo_.Bar\nVersion: 2\n\nVersion: 3\n' },
  ])
  assert.deepEqual(short(found), [
    `pkg:pypi/foo-bar@2 ${at}/Foo_Bar.egg-info/PKG-INFO`,
    `pkg:pypi/six@1.17.0 ${at}/six-1.17.0.dist-info/METADATA`,
  ])
  assert.equal(found.applications[1]?.licence, 'MIT')
  assert.deepEqual([found.explained.has(`${at}/seven.py`), found.explained.size], [false, 5])
})

test('Go: build info is found wherever a chunk ends, replacements count instead of what they replace', () => {
  const content = sample('go-build-info.bin')
  for (const step of [1, 7, 64, 4096]) {
    assert.deepEqual(short(scanOf([{ path: '/app/hello', content, mode: 0o755, step }])), [
      'pkg:golang/example.org/hello /app/hello',
      'pkg:golang/github.com/google/uuid@v1.6.0 /app/hello',
      'pkg:golang/golang.org/x/text@v0.15.0 /app/hello',
      'pkg:golang/stdlib@1.26.8 /app/hello',
    ])
  }
  const shifted = Buffer.concat([content.subarray(0, 64), Buffer.alloc(3), content.subarray(64)])
  assert.deepEqual(short(scanOf([{ path: '/app/hello', content: shifted, mode: 0o755 }])), [])
  const cut = content.subarray(0, 600)
  assert.deepEqual(short(scanOf([{ path: '/app/hello', content: cut, mode: 0o755 }])), [])
  assert.deepEqual(short(scanOf([{ path: '/app/notes', content: content.subarray(64), mode: 0o755 }])), [])
})

test('Java: properties of Maven, then what the manifest says, in archives of archives', () => {
  const jar = sample('slf4j-nop-1.7.32.jar')
  const manifest =
    'Bundle-SymbolicName: org.ow2.asm.asm-util;x\r\nBundle-Ver\r\n sion: 9.7\r\nBundle-License: BSD-3-Clause\r\n'
  const properties = (name: string) => `#x\ngroupId=org.example\nartifactId=${name}\nversion = 1\\:0\n`
  const boot = zipOf(
    {
      'BOOT-INF/lib/slf4j-nop-1.7.32.jar': jar,
      'BOOT-INF/lib/asm-util-9.7.jar': zipOf({ 'META-INF/MANIFEST.MF': manifest }),
      'META-INF/maven/org.example/app/pom.properties': properties('app').replace('1\\:0', '1.0'),
    },
    false,
  )
  const found = scanOf([
    { path: '/app/app.jar', content: boot },
    { path: '/app/slf4j.jar', content: jar },
    { path: '/app/nameless.jar', content: zipOf({ 'a.class': 'x' }) },
    { path: '/app/all.war', content: zipOf({ 'WEB-INF/lib/x-1.jar': jar }) },
  ])
  assert.deepEqual(short(found), [
    'pkg:maven/org.example/app@1.0 /app/app.jar',
    'pkg:maven/org.ow2.asm/asm-util@9.7 /app/app.jar!/BOOT-INF/lib/asm-util-9.7.jar',
    'pkg:maven/org.slf4j/slf4j-nop@1.7.32 /app/all.war!/WEB-INF/lib/x-1.jar',
    'pkg:maven/org.slf4j/slf4j-nop@1.7.32 /app/app.jar!/BOOT-INF/lib/slf4j-nop-1.7.32.jar',
    'pkg:maven/org.slf4j/slf4j-nop@1.7.32 /app/slf4j.jar',
  ])
  assert.deepEqual(
    [found.applications[1]?.name, found.applications[1]?.licence],
    ['org.ow2.asm:asm-util', 'BSD-3-Clause'],
  )
  assert.deepEqual([...found.explained.keys()], ['/app/app.jar', '/app/slf4j.jar'])
  assert.deepEqual(found.faults, [])
})

test('Ruby: an installed specification, and the files of the gem', () => {
  const home = '/usr/local/bundle'
  const found = scanOf([
    { path: `${home}/specifications/minitest-5.17.0.gemspec`, content: sample('minitest-5.17.0.gemspec') },
    { path: `${home}/gems/minitest-5.17.0/lib/minitest.rb`, content: '' },
    { path: `${home}/gems/minitest-5.17.1/lib/minitest.rb`, content: '' },
    { path: `${home}/cache/minitest-5.17.0.gem`, content: '' },
  ])
  assert.deepEqual(short(found), [`pkg:gem/minitest@5.17.0 ${home}/specifications/minitest-5.17.0.gemspec`])
  assert.equal(found.applications[0]?.licence, 'MIT')
  assert.equal(found.explained.size, 3)
})

test('a file that a Debian package owns gives neither component nor fault; a hard link speaks for itself', () => {
  const scan = new ApplicationScan()
  const content = Buffer.from('{"name":"a","version":"1"}')
  for (const path of [
    '/usr/share/nodejs/node_modules/a/package.json',
    '/usr/share/nodejs/node_modules/b/package.json',
  ]) {
    const sink = scan.sink({ path, mode: 0o644, size: content.length })
    sink?.write(path.includes('/b/') ? content.fill('x') : content)
    sink?.end()
  }
  assert.deepEqual(scan.finish([]), { applications: [], explained: new Map(), faults: [] })
  const path = '/app/node_modules/a/package.json'
  const linked = scan.finish([{ path, contentPath: '/usr/share/nodejs/node_modules/a/package.json', layer }])
  assert.deepEqual(short(linked), [`pkg:npm/a@1 ${path}`])
  assert.deepEqual(scan.finish([{ path, contentPath: '/store/1', layer }]).faults, [
    `cannot read ${path}: it is another name of /store/1, which was not looked into`,
  ])
})

const jar = sample('slf4j-nop-1.7.32.jar')
const hostile: readonly [string, File, RegExp][] = [
  ['JSON that is cut', { path: '/node_modules/a/package.json', content: '{"name":' }, /it is not JSON/],
  ['JSON that is no object', { path: '/node_modules/a/package.json', content: '7' }, /not a JSON object/],
  [
    'a name that is none',
    { path: '/node_modules/a/package.json', content: '{"name":"a\\u001b[2J","version":"1"}' },
    /name/,
  ],
  ['a huge METADATA', { path: '/a.dist-info/METADATA', content: '', size: 2 ** 40 }, /has 1099511627776 bytes/],
  ['METADATA without a name', { path: '/a.dist-info/METADATA', content: 'x'.repeat(100_000) }, /no name and version/],
  ['a gemspec that is none', { path: '/specifications/a.gemspec', content: 'exit' }, /no name and version/],
  ['a jar that is cut', { path: '/a.jar', content: jar.subarray(0, 3000) }, /no central directory/],
  ['a jar without bytes', { path: '/a.jar', content: '' }, /no central directory/],
  [
    'a jar whose directory is broken',
    { path: '/a.jar', content: Buffer.from(jar).fill(0, 3000, 3900) },
    /broken after/,
  ],
  [
    'a bomb',
    { path: '/a.jar', content: zipOf({ 'META-INF/MANIFEST.MF': Buffer.alloc(2 ** 26) }) },
    /MANIFEST\.MF: it has 67108864 bytes/,
  ],
  ['archives without end', { path: '/a.jar', content: nested(20) }, /more than 6 archives deep/],
]

function nested(depth: number): Buffer {
  return depth === 0 ? Buffer.from(jar) : zipOf({ 'a.jar': nested(depth - 1) })
}

for (const [what, file, fault] of hostile) {
  test(`a file that cannot be read is named: ${what}`, () => {
    const { applications, faults, explained } = scanOf([file])
    assert.deepEqual([applications, explained.size, faults.length], [[], 0, 1])
    assert.match(faults[0] ?? '', fault)
    assert.ok(faults[0]?.startsWith(`cannot read ${file.path}`))
  })
}

test('an archive that lies of its sizes, or holds itself a thousand times, ends in time', () => {
  const bomb = zipOf({ 'META-INF/MANIFEST.MF': Buffer.alloc(2 ** 26) })
  const at = bomb.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 24
  bomb.writeUInt32LE(10, at)
  assert.match(scanOf([{ path: '/a.jar', content: bomb }]).faults[0] ?? '', /cannot be uncompressed/)
  const wide = (inner: Buffer) =>
    zipOf(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`${index}.jar`, inner])))
  const start = performance.now()
  const { faults, applications } = scanOf([{ path: '/a.jar', content: wide(wide(wide(Buffer.from(jar)))) }])
  assert.ok(performance.now() - start < 20_000)
  assert.ok(faults.length > 1 && faults.length <= 51 && applications.length <= 5000)
})

test('a place that looks like build info a million times is left', () => {
  const magic = Buffer.from(['\xff Go bu', 'ildinf:\x08\x02'].join(''), 'latin1')
  const content = Buffer.concat([Buffer.from('\x7fELF            ', 'latin1'), Buffer.alloc(2 ** 24, magic)])
  const start = performance.now()
  assert.deepEqual(short(scanOf([{ path: '/a', content, mode: 0o755 }])), [])
  assert.ok(performance.now() - start < 5000)
})

const licences: readonly [unknown, string | undefined][] = [
  ['mit', 'MIT'],
  ['(MIT OR Apache-2.0)', '(MIT OR Apache-2.0)'],
  ['GPL-2.0+ with Classpath-exception-2.0', 'GPL-2.0-or-later WITH Classpath-exception-2.0'],
  ['MIT License', undefined],
  ['SEE LICENSE IN LICENSE', undefined],
  ['(MIT', undefined],
  ['('.repeat(900), undefined],
  [{ type: 'MIT' }, undefined],
]
for (const [text, want] of licences) {
  test(`the licence ${JSON.stringify(text).slice(0, 40)} is ${want ?? 'no expression'}`, () => {
    assert.equal(declaredLicence(text), want)
  })
}
