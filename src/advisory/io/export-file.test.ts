import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exportStore, importStore, isExportFile, openStore, readParts, storeParts, storePath } from '#advisory'
import { openPrivateKey } from '#attest'

const testdata = join(import.meta.dirname, '..', 'testdata')
const now = '2026-11-21T12:00:00Z'
const ed25519 = keysOf(generateKeyPairSync('ed25519'))
const p256 = keysOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))

function keysOf({ privateKey }: { readonly privateKey: KeyObject }) {
  const signer = openPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), '', 'test.key')
  return { signer, publicKey: signer.publicKey }
}

async function filled(t: TestContext, ...groups: readonly (readonly string[])[]) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-export-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const cache = join(folder, 'cache')
  for (const names of groups) {
    await storeParts(
      cache,
      await readParts(
        names.map((name) => join(testdata, name)),
        { now },
      ),
    )
  }
  return { folder, cache, file: join(folder, 'export'), other: join(folder, 'other') }
}

for (const [name, keys] of [
  ['Ed25519', ed25519],
  ['ECDSA on P-256', p256],
] as const) {
  test(`an export signed by ${name} brings every part, with origin and dates, to a place without network`, async (t) => {
    const { cache, file, other } = await filled(t, ['export.json', 'DSA-list', 'kev.json'])
    await exportStore(cache, file, keys.signer)
    assert.ok(isExportFile(file))
    const parts = await importStore(other, file, { key: keys.publicKey })
    const [from, to] = [openStore(cache), openStore(other)]
    assert.deepEqual(to?.parts, from?.parts)
    assert.deepEqual(parts, from?.parts)
    assert.deepEqual(to?.debianStatements('glibc'), from?.debianStatements('glibc'))
    from?.close()
    to?.close()
  })
}

test('the signature is DSSE’s, over the pre-authentication encoding', async (t) => {
  const { cache, file } = await filled(t, ['kev.json'])
  await exportStore(cache, file, ed25519.signer)
  const bytes = readFileSync(file)
  const { payload, payloadType, signatures } = JSON.parse(bytes.toString('utf8', 0, bytes.indexOf(10)))
  const body = Buffer.from(payload, 'base64').toString()
  const encoded = `DSSEv1 ${payloadType.length} ${payloadType} ${body.length} ${body}`
  assert.ok(verify(null, Buffer.from(encoded), ed25519.publicKey.key, Buffer.from(signatures[0].sig, 'base64')))
})

test('the same parts give the same file, whichever was imported first', async (t) => {
  const one = await filled(t, ['export.json', 'kev.json'], ['DSA-list'])
  const two = await filled(t, ['DSA-list'], ['kev.json'], ['export.json'])
  assert.notDeepEqual(readFileSync(storePath(one.cache)), readFileSync(storePath(two.cache)))
  await exportStore(one.cache, one.file, ed25519.signer)
  await exportStore(two.cache, two.file, ed25519.signer)
  assert.deepEqual(readFileSync(one.file), readFileSync(two.file))
})

test('any flipped byte, and any cut, is refused, and the store stays as it was', async (t) => {
  const { cache, file, other } = await filled(t, ['epss.csv'])
  await exportStore(cache, file, ed25519.signer)
  const whole = readFileSync(file)
  const refusal = (bytes: Uint8Array, what: string) => {
    writeFileSync(file, bytes)
    return assert.rejects(
      importStore(other, file, { key: ed25519.publicKey }),
      ({ code }: { code: string }) => ['ADVISORY_EXPORT_INVALID', 'ADVISORY_EXPORT_UNTRUSTED'].includes(code),
      what,
    )
  }
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
    await refusal(flipped, `byte ${at}`)
  }
  for (let size = 0; size < whole.length; size += 13) await refusal(whole.subarray(0, size), `cut at ${size}`)
  await refusal(Buffer.concat([whole, Buffer.from('x')]), 'a byte more')
  assert.equal(openStore(other), undefined)
})

test('an export of nobody or of somebody else is refused; unsigned ones are taken only where that is said', async (t) => {
  const { cache, file, other } = await filled(t, ['kev.json'])
  const code = 'ADVISORY_EXPORT_UNTRUSTED'
  await exportStore(cache, file, p256.signer)
  await assert.rejects(importStore(other, file, { key: ed25519.publicKey }), { code, message: /signed by key sha256:/ })
  await exportStore(cache, file, undefined)
  await assert.rejects(importStore(other, file, { key: ed25519.publicKey }), { code, message: /is not signed/ })
  assert.equal((await importStore(other, file, { key: undefined })).length, 1)
})

test('an old export does not hide what the store knows since, unless it is asked to', async (t) => {
  const old = await filled(t, ['epss.csv'])
  await exportStore(old.cache, old.file, ed25519.signer)
  const newer = join(old.folder, 'epss.csv')
  const text = readFileSync(join(testdata, 'epss.csv'), 'utf8').replace(/score_date:[0-9-]+/, 'score_date:2027-01-01')
  writeFileSync(newer, text)
  await storeParts(old.other, await readParts([newer], { now }))
  const key = ed25519.publicKey
  await assert.rejects(importStore(old.other, old.file, { key }), { code: 'ADVISORY_EXPORT_OLDER' })
  assert.equal(openStore(old.other)?.parts[0]?.contentDate.slice(0, 10), '2027-01-01')
  assert.equal((await importStore(old.other, old.file, { key, acceptOlder: true })).length, 1)
})
