import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeUniverse } from './merged-universe.ts'
import { searchPackages } from './package-search.ts'
import { compilePackagesIndex } from './packages-compiler.ts'
import { openPackagesIndex, type PackagesIndex } from './packages-index.ts'

const stanza = (name: string, more = '') =>
  `Package: ${name}\nVersion: 1.0\nArchitecture: amd64\nFilename: pool/${name}.deb\nSize: 1\nSHA256: ${'ab'.repeat(32)}\n${more}`

function compiled(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1')
  const { header, tables } = compilePackagesIndex(bytes, 'Packages')
  return Uint8Array.from(Buffer.concat([header, bytes, tables]))
}

function open(bytes: Uint8Array, discard = () => {}): PackagesIndex | undefined {
  const read = (offset: number, length: number) => bytes.slice(offset, offset + length)
  return openPackagesIndex({ path: 'index', size: bytes.length, read, discard })
}

function indexOf(text: string): PackagesIndex {
  const index = open(compiled(text))
  assert.ok(index)
  return index
}

test('packages are found by name and by what they provide', () => {
  const text = [
    stanza('zsh'),
    stanza('exim4', 'Provides: mail-transport-agent, exim\n'),
    stanza('postfix', 'Provides: mail-transport-agent (= 2),\n default-mta\n'),
    stanza('a1'),
  ].join('\n')
  const index = indexOf(`\n\n${text}`)
  assert.deepEqual([...index.names()], ['a1', 'exim4', 'postfix', 'zsh'])
  assert.equal(index.named('zsh').length, 1)
  assert.match(index.named('zsh')[0] ?? '', /^Package: zsh\nVersion: 1.0\n/)
  assert.deepEqual(
    index.providing('mail-transport-agent').map((found) => found.slice(9, 14)),
    ['exim4', 'postf'],
  )
  assert.equal(index.providing('default-mta').length, 1, 'a folded field is read to its end')
  assert.deepEqual(index.named('zs'), [])
  assert.deepEqual(index.named('zshh'), [])
  assert.deepEqual(index.providing('zsh'), [])
})

test('an empty index is an index without packages', () => {
  assert.deepEqual([...indexOf('').names()], [])
})

test('a torn file of any length is not opened', () => {
  const whole = compiled([stanza('one'), stanza('two')].join('\n'))
  for (let length = 0; length < whole.length; length++) assert.equal(open(whole.slice(0, length)), undefined)
  assert.equal(open(Uint8Array.from([...whole, 0])), undefined)
})

test('a file with damaged tables is not opened', () => {
  const bytes = compiled(stanza('one'))
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1
  assert.equal(open(bytes), undefined)
})

test('a damaged stanza is not given away: the file is removed and the fault told', () => {
  const bytes = compiled(stanza('one'))
  bytes[50] = (bytes[50] ?? 0) ^ 1
  let discarded = 0
  const index = open(bytes, () => discarded++)
  assert.ok(index)
  assert.throws(() => index.named('one'), { code: 'CACHE_FAILED' })
  assert.equal(discarded, 1)
})

const refused: [string, string][] = [
  [`Version: 1\n`, 'a stanza has a name'],
  [stanza('../x'), 'a name is no path'],
  [stanza('x'), 'a name has two letters'],
  [stanza('big', `Description: ${'x'.repeat(10 << 20)}\n`), 'a field of 10 MB is an attack'],
]
for (const [text, because] of refused) {
  test(`an index is refused: ${because}`, () => {
    assert.throws(() => compiled(text), { code: 'INDEX_INVALID', message: /at byte 0/ })
  })
}

const universeOf = (...texts: string[]) =>
  mergeUniverse(
    texts.map((text, at) => ({
      archive: 'test',
      suite: `suite${at}`,
      priority: at === 2 ? 600 : 500,
      index: indexOf(text),
    })),
    { architecture: 'amd64', foreignArchitectures: ['arm64'] },
  )
const variant = (version: string, architecture = 'amd64', hex = 'ab') =>
  stanza('pkg').replace('1.0', version).replace('amd64', architecture).replace('ab'.repeat(32), hex.repeat(32))

test('versions come native first, then by priority, then highest, then in the order of suites', () => {
  const universe = universeOf(
    [variant('1.0'), variant('3.0', 'arm64'), variant('2.0', 'all'), variant('9.0', 'mips')].join('\n'),
    [variant('2.5'), variant('1.0', 'amd64', 'cd')].join('\n'),
    variant('0.5'),
  )
  assert.deepEqual(
    universe.versions('pkg').map(({ version, architecture, suite }) => `${version} ${architecture} ${suite}`),
    [
      '0.5 amd64 suite2',
      '2.5 amd64 suite1',
      '2.0 all suite0',
      '1.0 amd64 suite0',
      '1.0 amd64 suite1',
      '3.0 arm64 suite0',
    ],
  )
})

test('exact duplicates come once, from the preferred suite; the same objects every time', () => {
  const universe = universeOf([variant('1.0'), variant('1.0')].join('\n'), variant('1.0'))
  assert.deepEqual(
    universe.versions('pkg').map(({ suite }) => suite),
    ['suite0'],
  )
  assert.equal(universe.versions('pkg')[0], universe.versions('pkg')[0])
  assert.ok(Object.isFrozen(universe.versions('pkg')[0]))
})

test('providers come with the version they provide, and not the name itself', () => {
  const universe = universeOf(
    [
      stanza('b1', 'Provides: api (= 2), api (= 3)\n'),
      stanza('a1', 'Provides: api\n'),
      stanza('api', 'Provides: api\n'),
    ].join('\n'),
  )
  assert.deepEqual(
    universe.providers('api').map((provider) => [provider.package.name, provider.version]),
    [
      ['a1', undefined],
      ['b1', '2'],
      ['b1', '3'],
    ],
  )
})

test('a bogus package harms only who asks for it', () => {
  const universe = universeOf([stanza('good'), stanza('bogus').replace('1.0', 'x y')].join('\n'))
  assert.equal(universe.versions('good').length, 1)
  assert.throws(() => universe.versions('bogus'), { code: 'VERSION_INVALID' })
})

test('bytes that are no UTF-8 are read the same way every time', () => {
  const universe = universeOf(stanza('latin', 'Description: caf\xe9\n'))
  assert.equal(universe.versions('latin')[0]?.description, 'caf\uFFFD')
})

test('names of both kinds of index are listed once, in order', () => {
  assert.deepEqual([...universeOf(stanza('bb'), [stanza('aa'), stanza('bb')].join('\n')).names()], ['aa', 'bb'])
})

test('a search ranks the name, its beginning, other names, descriptions', () => {
  const texts = ['xnginx', 'nginx-core', 'nginx', 'other'].map((name) =>
    stanza(
      name,
      name === 'other' ? 'Description: like NGINX\n but (longer) nginx\n' : 'Description: none\n nginx here\n',
    ),
  )
  const universe = universeOf(texts.join('\n'))
  assert.deepEqual(
    searchPackages(universe, 'nginx').map(({ name }) => name),
    ['nginx', 'nginx-core', 'xnginx', 'other'],
  )
  assert.deepEqual(searchPackages(universe, '(longer)'), [])
  assert.deepEqual(searchPackages(universe, 'N').map(({ name }) => name).length, 4)
})
