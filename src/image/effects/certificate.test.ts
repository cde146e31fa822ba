import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ImageError } from '../errors.ts'
import { parseCertificate } from './certificate.ts'

const opensslHash = (file: string) =>
  execFileSync('openssl', ['x509', '-in', file, '-noout', '-hash'], { encoding: 'utf8' }).trim()

test('openssl rehash links every CA of Debian by the hash that we find', (t) => {
  const source = '/usr/share/ca-certificates/mozilla'
  const folder = mkdtempSync(join(tmpdir(), 'rehash-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const names = readdirSync(source)
  assert.ok(names.length > 100)
  for (const name of names) cpSync(join(source, name), join(folder, name))
  execFileSync('openssl', ['rehash', folder])
  const links = readdirSync(folder).filter((name) => /^[0-9a-f]{8}\.[0-9]$/.test(name))
  const real = links.map((link) => [readlinkSync(join(folder, link)), link.slice(0, 8)])
  const ours = names.map((name) => [name, parseCertificate(readFileSync(join(source, name), 'utf8'), name).subjectHash])
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(real))
})

const subjects: [string, string[], string][] = [
  ['/O=  Two  Spaces   In\tHere /CN= Näme ', ['-utf8'], 'white space and letters beyond ASCII'],
  ['/CN=b+O=a+OU=c/L=X', ['-multivalue-rdn'], 'several attributes in one part'],
  ['/CN=MiXeD CASE/emailAddress=Some.One@Example.ORG', [], 'capitals, and an IA5String'],
  ['/C=DE/serialNumber=12 34', [], 'PrintableStrings'],
  ['/', [], 'an empty subject'],
]
for (const [subject, options, because] of subjects) {
  test(`the hash of a subject with ${because} is what openssl says`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'c.pem')
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null']
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', subject, ...options, '-out', file], { stdio: 'ignore' })
    assert.equal(parseCertificate(readFileSync(file, 'utf8'), file).subjectHash, opensslHash(file))
    const der = join(folder, 'c.der')
    execFileSync('openssl', ['x509', '-in', file, '-outform', 'DER', '-out', der])
    assert.deepEqual(Buffer.from(parseCertificate(readFileSync(file, 'utf8'), file).der), readFileSync(der))
  })
}

const block = (type: string, bytes: readonly number[]) =>
  `-----BEGIN ${type}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${type}-----\n`

const invalid: [string, RegExp, string][] = [
  ['', /want one PEM block "CERTIFICATE", got none/, 'an empty file'],
  [block('PRIVATE KEY', [0x30, 0]), /got PRIVATE KEY/, 'a private key'],
  [
    block('CERTIFICATE', [0x30, 0]) + block('CERTIFICATE', [0x30, 0]),
    /got CERTIFICATE, CERTIFICATE/,
    'two certificates',
  ],
  [
    block('CERTIFICATE', [0x30, 0]) + block('PRIVATE KEY', [0x30, 0]),
    /got CERTIFICATE, PRIVATE KEY/,
    'a key beside it',
  ],
  ['-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n', /not base64/, 'no base64'],
  [block('CERTIFICATE', [0x30, 5, 1]), /ends 4 bytes early/, 'a length beyond the end'],
  [block('CERTIFICATE', [0x30, 0x80, 0, 0]), /no definite length/, 'an indefinite length'],
  [block('CERTIFICATE', [0x30, 0x85, 1, 1, 1, 1, 1]), /no definite length/, 'a length of five bytes'],
  [block('CERTIFICATE', [0x30, 0]), /no subject/, 'nothing in it'],
  [block('CERTIFICATE', [0x04, 0]), /not one SEQUENCE/, 'another type'],
]
for (const [pem, reason, because] of invalid) {
  test(`a certificate is refused for ${because}`, () => {
    assert.throws(
      () => parseCertificate(pem, 'corp'),
      (error) => error instanceof ImageError && error.code === 'CERTIFICATE_INVALID' && reason.test(error.message),
    )
  })
}
