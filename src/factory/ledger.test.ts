import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair, openPrivateKey } from '#attest'
import { CHECKPOINT_TYPE, openCheckpoint, signCheckpoint } from './checkpoint.ts'
import { chainNotes, LEDGER_START, LedgerCheck, type LedgerEntry } from './ledger.ts'

const at = '2026-11-21T12:00:00.000Z'
const notes = ['one', 'two', 'three'].map((subject) => ({ kind: 'event', subject, body: { n: [1] }, at }))
const entries = chainNotes(LEDGER_START, notes)

function check(changed: readonly LedgerEntry[]): LedgerCheck {
  const ledger = new LedgerCheck()
  for (const entry of changed) ledger.add(entry)
  return ledger
}

test('a chain that was made is believed, in one go or in parts', () => {
  assert.equal(check(entries).tip.digest, entries[2]?.digest)
  const [first] = entries
  assert.ok(first !== undefined)
  assert.deepEqual(chainNotes(first, notes.slice(1)), entries.slice(1))
  const rest = new LedgerCheck(first)
  for (const entry of entries.slice(1)) rest.add(entry)
  assert.deepEqual(rest.tip, check(entries).tip)
})

const forged: [string, (entries: LedgerEntry[]) => LedgerEntry[], RegExp][] = [
  [
    'another subject',
    (all) => all.map((entry) => ({ ...entry, subject: 'x' })),
    /not what its digest stands for at entry 1/,
  ],
  ['another body', ([a, b, c]) => [a!, { ...b!, body: {} }, c!], /not what its digest stands for at entry 2/],
  ['another time', ([a, b, c]) => [a!, b!, { ...c!, at: '2026-11-22T12:00:00.000Z' }], /at entry 3/],
  ['an entry that is left out', ([a, , c]) => [a!, c!], /entry 3 stands at entry 2/],
  ['a beginning that is left out', ([, b]) => [b!], /entry 2 stands at entry 1/],
  ['two that changed places', ([a, b]) => [b!, a!], /entry 2 stands at entry 1/],
  [
    'an entry that was made anew',
    ([a, b, c]) => [a!, chainNotes(a!, [{ ...b!, subject: 'x' }])[0]!, c!],
    /entry before is another one at entry 3/,
  ],
]
for (const [what, forge, reason] of forged) {
  test(`${what} is found`, () =>
    assert.throws(() => check(forge([...entries])), { code: 'LEDGER_BROKEN', message: reason }))
}

test('a checkpoint is believed from whom it is by, and as nothing else', async () => {
  const [signer, other] = [newSigner(), newSigner()]
  const checkpoint = { sequence: 3, digest: check(entries).tip.digest, at }
  const envelope = await signCheckpoint(checkpoint, signer)
  assert.deepEqual(openCheckpoint(envelope, [other.publicKey, signer.publicKey]), checkpoint)
  assert.throws(() => openCheckpoint(envelope, [other.publicKey]), { code: 'ENVELOPE_UNTRUSTED' })
  const renamed = envelope.replace(CHECKPOINT_TYPE, 'application/json')
  assert.throws(() => openCheckpoint(renamed, [signer.publicKey]), { code: 'ENVELOPE_UNTRUSTED' })
  const odd = await signCheckpoint({ ...checkpoint, sequence: 0 }, signer)
  assert.throws(() => openCheckpoint(odd, [signer.publicKey]), { code: 'CHECKPOINT_INVALID', message: /sequence/ })
})

function newSigner() {
  return openPrivateKey(generateKeyPair('').privatePem, '', 'test')
}
