import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateKey, type PrivateKey, revokeKey } from 'openpgp'
import { clearsign } from '#testkit'
import { parseArchive } from './archive.ts'
import { readPinnedKey } from './signature.ts'
import { type SuiteTrust, suiteNotices, verifySuite } from './suite.ts'

const DAY = 86_400_000
const at = new Date('2026-06-01T00:00:00Z')
const daysBefore = (days: number) => new Date(at.getTime() - days * DAY)

const archive = parseArchive(
  `archive: debian-x
description: for tests
keys: { own: { file: own.asc, fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567 } }
mirrors: { debian: {} }
suites:
  - suite: trixie
    mirror: debian
    components: [main]
    identity: { origin: Debian, label: Debian, codename: trixie }
    signed-by: [own]
    loud-after-hours: 72
`,
  'debian-x.yaml',
)

const fields = {
  Origin: 'Debian',
  Label: 'Debian',
  Suite: 'stable',
  Codename: 'trixie',
  Date: 'Sun, 31 May 2026 00:00:00 UTC',
  'Valid-Until': 'Sun, 07 Jun 2026 00:00:00 UTC',
  SHA256: '',
}
const releaseText = (changes: Partial<typeof fields> = {}) =>
  Object.entries({ ...fields, ...changes })
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')

async function newKey(born: Date, lifetime = 0): Promise<PrivateKey> {
  const { privateKey } = await generateKey({
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    date: born,
    keyExpirationTime: lifetime,
    subkeys: [{ sign: true }],
    format: 'object',
  })
  return privateKey
}

async function trust(keys: readonly PrivateKey[], changes: Partial<SuiteTrust> = {}): Promise<SuiteTrust> {
  const [suite] = archive.suites
  assert.ok(suite)
  const pinned = keys.map((key) => readPinnedKey(key.toPublic().armor(), key.getFingerprint().toUpperCase(), 'own.asc'))
  return { archive, suite, keys: await Promise.all(pinned), at, acceptExpired: false, ...changes }
}

const verify = async (text: string, by: SuiteTrust) => verifySuite(Buffer.from(text), by)

let key: PrivateKey
let folder: string
before(async () => {
  key = await newKey(daysBefore(365))
  folder = mkdtempSync(join(tmpdir(), 'casemate-suite-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('a suite signed by a subkey of its pinned key is trusted, and its state recorded', async () => {
  const text = await clearsign(releaseText(), [key], daysBefore(1))
  const { state } = await verify(text, await trust([key]))
  assert.deepEqual(
    { ...state, digest: undefined },
    {
      archive: 'debian-x',
      suite: 'trixie',
      codename: 'trixie',
      suiteField: 'stable',
      date: '2026-05-31T00:00:00Z',
      validUntil: '2026-06-07T00:00:00Z',
      digest: undefined,
      signers: [key.getFingerprint().toUpperCase()],
      expired: false,
      stale: false,
    },
  )
})

test('gpgv agrees on what is signed and what is not', async () => {
  const keyring = join(folder, 'own.gpg')
  writeFileSync(keyring, key.toPublic().write())
  const gpgv = (text: string) =>
    execFileSync('gpgv', ['--keyring', keyring, '-'], { input: text, stdio: ['pipe', 'ignore', 'ignore'] })
  const good = await clearsign(releaseText({ Label: '- dash' }), [key], daysBefore(1))
  gpgv(good)
  await assert.rejects(verify(good, await trust([key])), { code: 'SUITE_UNTRUSTED', message: /label is "- dash"/ })
  const altered = good.replace('Codename: trixie', 'Codename: forky')
  assert.throws(() => gpgv(altered))
  await assert.rejects(verify(altered, await trust([key])), { code: 'SUITE_UNTRUSTED', message: /no valid signature/ })
})

test('one valid signature among others is enough; only pinned keys are recorded', async () => {
  const other = await newKey(daysBefore(365))
  const text = await clearsign(releaseText(), [other, key], daysBefore(1))
  const { state } = await verify(text, await trust([key]))
  assert.deepEqual(state.signers, [key.getFingerprint().toUpperCase()])
})

const untrusted: [string, (text: string) => Promise<[string, SuiteTrust]>][] = [
  [
    'the signer is not pinned',
    async (text) => [await clearsign(text, [await newKey(daysBefore(9))], daysBefore(1)), await trust([key])],
  ],
  [
    'the key expired before it signed',
    async (text) => {
      const short = await newKey(daysBefore(30), 86_400)
      const living = new Date(daysBefore(30).getTime() + 3600_000)
      return [await clearsign(text, [short], living), await trust([short])]
    },
  ],
  [
    'the key signed while it lived and has expired since',
    async (text) => {
      const short = await newKey(daysBefore(30), 86_400 * 20)
      return [await clearsign(text, [short], daysBefore(15)), await trust([short])]
    },
  ],
  [
    'the key was revoked',
    async (text) => {
      const { privateKey } = await revokeKey({ key, date: daysBefore(1), format: 'object' })
      return [await clearsign(text, [key], daysBefore(2)), await trust([privateKey])]
    },
  ],
  [
    'the signature lies in the future',
    async (text) => [await clearsign(text, [key], daysBefore(-1)), await trust([key])],
  ],
]
for (const [because, make] of untrusted) {
  test(`a suite is not trusted when ${because}`, async () => {
    const [text, by] = await make(releaseText())
    await assert.rejects(verify(text, by), { code: 'SUITE_UNTRUSTED', message: /no valid signature/ })
  })
}

test('signatures made by gpg are read; those over SHA-1 do not count', async () => {
  const home = mkdtempSync(join(folder, 'gpg-'))
  const gpg = (...options: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--passphrase', '', '--quiet', '--yes', ...options], {
      input: releaseText(),
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  gpg('--quick-gen-key', 'Test <test@example.org>', 'rsa2048', 'sign', 'never')
  const armored = gpg('--armor', '--export').toString()
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--with-colons', '--list-keys').toString())?.[1] ?? ''
  const now = new Date()
  const keys = [await readPinnedKey(armored, fingerprint, 'own.asc')]
  const by = await trust([], { keys, at: now, acceptExpired: true })
  const strong = gpg('--digest-algo', 'SHA512', '--clearsign')
  assert.deepEqual((await verifySuite(strong, by)).state.signers, [fingerprint])
  await assert.rejects(verifySuite(gpg('--digest-algo', 'SHA1', '--clearsign'), by), { code: 'SUITE_UNTRUSTED' })
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
})

test('a key file must hold the one certificate that is pinned', async () => {
  const armored = key.toPublic().armor()
  await assert.rejects(readPinnedKey(armored, 'AB'.repeat(20), 'own.asc'), { code: 'ARCHIVE_INVALID' })
  await assert.rejects(readPinnedKey('no key', 'AB'.repeat(20), 'own.asc'), { code: 'ARCHIVE_INVALID' })
})

const wrong: [Partial<typeof fields>, string, string][] = [
  [{ Origin: 'Evil' }, 'SUITE_UNTRUSTED', 'it is of another origin'],
  [{ Label: 'Debian-Security' }, 'SUITE_UNTRUSTED', "it is another suite of the same signer's"],
  [{ Codename: 'bookworm' }, 'SUITE_UNTRUSTED', 'it is of another release'],
  [{ Date: 'Mon, 01 Jun 2026 03:00:00 UTC' }, 'SUITE_FROM_FUTURE', 'its Date is three hours ahead'],
  [{ 'Valid-Until': 'Sun, 31 May 2026 12:00:00 UTC' }, 'SUITE_EXPIRED', 'its Valid-Until is past'],
]
for (const [changes, code, because] of wrong) {
  test(`a signed suite is refused when ${because}`, async () => {
    const text = await clearsign(releaseText(changes), [key], daysBefore(1))
    await assert.rejects(verify(text, await trust([key])), { code })
  })
}

test('a suite that became oldstable is the same suite', async () => {
  const text = await clearsign(releaseText({ Suite: 'oldstable' }), [key], daysBefore(1))
  assert.equal((await verify(text, await trust([key]))).state.suiteField, 'oldstable')
})

test('clocks may differ by a minute', async () => {
  const text = await clearsign(
    releaseText({ Date: 'Mon, 01 Jun 2026 00:00:50 UTC' }),
    [key],
    new Date(at.getTime() + 50_000),
  )
  await verify(text, await trust([key]))
})

test('an expired suite is taken on request, recorded and told', async () => {
  const text = await clearsign(releaseText({ 'Valid-Until': 'Sun, 31 May 2026 12:00:00 UTC' }), [key], daysBefore(1))
  const { state } = await verify(text, await trust([key], { acceptExpired: true }))
  assert.equal(state.expired, true)
  assert.match(suiteNotices([state], at).join(), /trixie expired at 2026-05-31T12:00:00Z/)
})

test('a suite is loudly stale behind its freshness rule, and never without one', async () => {
  const text = await clearsign(releaseText({ Date: 'Thu, 28 May 2026 23:59:00 UTC' }), [key], daysBefore(3))
  const by = await trust([key])
  const { state } = await verify(text, by)
  assert.equal(state.stale, true)
  assert.match(suiteNotices([state], at).join(), /trixie is stale: .* 72 hours ago/)
  const { loudAfterHours: _, ...patient } = by.suite
  assert.equal((await verify(text, { ...by, suite: patient })).state.stale, false)
})
