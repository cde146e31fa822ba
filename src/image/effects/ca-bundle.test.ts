import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type TestPath, testEffectInput } from '#testkit'
import { ImageError } from '../errors.ts'
import { applyEffects } from './apply-effects.ts'

const SOURCE = '/usr/share/ca-certificates/mozilla'

/** A few of Debian's own certificates, and a CA of one's own. */
function certificates(t: TestContext): { paths: Record<string, TestPath>; own: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ca-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null']
  execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=Corp', '-out', join(folder, 'corp.pem')], {
    stdio: 'ignore',
  })
  mkdirSync(join(folder, 'shared/mozilla'), { recursive: true })
  const paths: Record<string, TestPath> = {}
  for (const name of readdirSync(SOURCE).slice(0, 8)) {
    cpSync(join(SOURCE, name), join(folder, 'shared/mozilla', name))
    paths[`/usr/share/ca-certificates/mozilla/${name}`] = readFileSync(join(SOURCE, name), 'utf8')
  }
  return { paths, own: readFileSync(join(folder, 'corp.pem'), 'utf8'), folder }
}

test('bundle, configuration and links are what update-ca-certificates makes of them', (t) => {
  const { paths, own, folder } = certificates(t)
  const input = testEffectInput(paths, ['ca-certificates', 'dpkg'], { certificates: [{ name: 'corp', pem: own }] })
  const { tree, read } = applyEffects(input)
  const text = (path: string) => Buffer.from(read(path)).toString()

  for (const name of ['local', 'etc', 'hooks']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'local/corp.crt'), read('/usr/local/share/ca-certificates/corp.crt'))
  writeFileSync(join(folder, 'conf'), read('/etc/ca-certificates.conf'))
  const options = [
    '--certsconf',
    join(folder, 'conf'),
    '--certsdir',
    join(folder, 'shared'),
    '--hooksdir',
    join(folder, 'hooks'),
  ]
  const places = ['--localcertsdir', join(folder, 'local'), '--etccertsdir', join(folder, 'etc')]
  execFileSync('update-ca-certificates', [...options, ...places], { stdio: 'ignore' })

  assert.equal(
    text('/etc/ssl/certs/ca-certificates.crt'),
    readFileSync(join(folder, 'etc/ca-certificates.crt'), 'utf8'),
  )
  assert.deepEqual(tree.list('/etc/ssl/certs'), readdirSync(join(folder, 'etc')).sort())
  for (const name of tree.list('/etc/ssl/certs')) {
    const entry = tree.get(`/etc/ssl/certs/${name}`)
    if (entry?.type !== 'symlink') continue
    const real = readlinkSync(join(folder, 'etc', name))
      .replace(`${folder}/shared`, '/usr/share/ca-certificates')
      .replace(`${folder}/local`, '/usr/local/share/ca-certificates')
    assert.equal(entry.target, real)
  }
})

test('a runtime image has the bundle only, its own certificates in it', (t) => {
  const { paths, own } = certificates(t)
  const more = { certificates: [{ name: 'corp.pem', pem: own.trimEnd() }] }
  const { tree, read } = applyEffects(testEffectInput(paths, ['ca-certificates'], more))
  assert.deepEqual(tree.list('/etc/ssl/certs'), ['ca-certificates.crt'])
  assert.equal(tree.get('/etc/ca-certificates.conf'), undefined)
  const bundle = Buffer.from(read('/etc/ssl/certs/ca-certificates.crt')).toString()
  assert.equal(bundle.match(/BEGIN CERTIFICATE/g)?.length, 9)
  assert.ok(bundle.endsWith(own))
  assert.equal(tree.get('/usr/local/share/ca-certificates/corp.crt')?.type, 'file')
})

test('without the package and without own certificates there is no bundle', () => {
  assert.equal(applyEffects(testEffectInput({})).tree.get('/etc/ssl/certs/ca-certificates.crt'), undefined)
})

const refused: [string, string, RegExp][] = [
  ['corp', 'no certificate', /cannot read certificate corp: want one PEM block/],
  ['../evil', '', /cannot add certificate "..\/evil": the name is no plain file name/],
]
for (const [name, pem, reason] of refused) {
  test(`an added certificate is checked: ${name}`, () => {
    assert.throws(
      () => applyEffects(testEffectInput({}, [], { certificates: [{ name, pem }] })),
      (error) => error instanceof ImageError && error.code === 'CERTIFICATE_INVALID' && reason.test(error.message),
    )
  })
}

test("Java's keystore holds each certificate under Debian's name, sealed as Java seals it", (t) => {
  const { paths } = certificates(t)
  const { read } = applyEffects(testEffectInput(paths, ['ca-certificates', 'ca-certificates-java']))
  const store = Buffer.from(read('/etc/ssl/certs/java/cacerts'))
  assert.deepEqual([store.readUInt32BE(0), store.readUInt32BE(4), store.readUInt32BE(8)], [0xfeedfeed, 2, 8])
  const aliasLength = store.readUInt16BE(16)
  const [first = ''] = readdirSync(SOURCE)
  assert.equal(store.subarray(18, 18 + aliasLength).toString(), `debian:${first.replace('.crt', '.pem').toLowerCase()}`)
  assert.equal(store.readBigUInt64BE(18 + aliasLength), 1_760_000_000_000n, 'the date of the image, in milliseconds')
  const sealed = Buffer.concat([
    Buffer.from('changeit', 'utf16le').swap16(),
    Buffer.from('Mighty Aphrodite'),
    store.subarray(0, -20),
  ])
  const openssl = execFileSync('openssl', ['dgst', '-sha1', '-binary'], { input: sealed })
  assert.deepEqual(store.subarray(-20), openssl)
})

test('as PKCS#12, the keystore is one that OpenSSL reads without a password, the same every time', (t) => {
  const { paths } = certificates(t)
  const stores = [1, 2].map(() => {
    const input = testEffectInput(paths, ['ca-certificates', 'ca-certificates-java'], { keystore: 'pkcs12' })
    return applyEffects(input).read('/etc/ssl/certs/java/cacerts')
  })
  const [store = new Uint8Array(), again = new Uint8Array()] = stores
  assert.deepEqual(store, again)
  const options = ['pkcs12', '-nokeys', '-passin', 'pass:', '-nomacver']
  const text = execFileSync('openssl', options, { input: store, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
  assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 8)
  const [first = ''] = readdirSync(SOURCE)
  assert.match(text, new RegExp(`friendlyName: debian:${first.replace('.crt', '.pem').toLowerCase()}`))
  assert.match(text, /2\.16\.840\.1\.113894\.746875\.1\.1: (Any Extended Key Usage|<Unsupported tag 6>)/)
})
