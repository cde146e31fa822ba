import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TEST_ISSUER, type TestSigstore, testSigstore } from '#testkit'
import { IDENTITY, identitySignatory, refuses, sampleStatement, trustIn, turned } from './fixtures.test.ts'
import { formatEnvelope, formatImageSignature, type SignedPayload, type SignedStatement } from './index.ts'

const cleanups: (() => unknown)[] = []
const t = { after: (end: () => unknown) => void cleanups.push(end) }
let sigstore: TestSigstore
let signed: SignedPayload
let other: SignedPayload
let stated: SignedStatement
let otherStated: SignedStatement
const payload = formatImageSignature({ repository: 'registry.test/app', digest: `sha256:${'a'.repeat(64)}` as never })

before(async () => {
  sigstore = await testSigstore(t)
  const signatory = await identitySignatory(t, sigstore)
  signed = await signatory.signPayload(payload)
  other = await signatory.signPayload(sampleStatement('other'))
  stated = await signatory.signStatement(sampleStatement('good'))
  otherStated = await signatory.signStatement(sampleStatement('other'))
})
after(() => Promise.all(cleanups.map((end) => end())))

type Annotations = Record<string, string>
interface Older {
  payload: Uint8Array
  signature: Uint8Array
  annotations: Annotations
}

const CERTIFICATE = 'dev.sigstore.cosign/certificate'
const LOG = 'dev.sigstore.cosign/bundle'
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp'

/** Changes a member of the log entry that stands beside a signature. */
function editLog(annotations: Annotations, edit: (entry: LogAnnotation) => unknown): void {
  const entry: LogAnnotation = JSON.parse(annotations[LOG]!)
  edit(entry)
  annotations[LOG] = JSON.stringify(entry)
}

interface LogAnnotation {
  SignedEntryTimestamp: string
  Payload: { body: string; integratedTime: number | string; logIndex: number; logID: string }
}

test('signatures and statements of an identity are believed in the older form', () => {
  const trust = trustIn(sigstore.trustedRoot)
  const kinds = ['certificate', 'log entry', 'timestamp']
  const { signers, checked, signedAt } = trust.signature({ payload, ...signed }, 'it')
  assert.deepEqual(signers, [`${IDENTITY} (${TEST_ISSUER})`])
  assert.deepEqual(
    checked.map(({ kind }) => kind),
    kinds,
  )
  assert.ok(signedAt !== undefined && Math.abs(signedAt - Date.now() / 1000) < 600)
  const envelope = Buffer.from(formatEnvelope(stated.envelope))
  const believed = trust.envelope(envelope, stated.annotations, 'it')
  assert.deepEqual(believed.payload, Buffer.from(sampleStatement('good')))
  assert.deepEqual(
    believed.checked.map(({ kind }) => kind),
    kinds,
  )
})

const cases: readonly [string, (one: Older) => unknown, RegExp][] = [
  [
    'payload',
    (one) => {
      one.payload = sampleStatement('bad')
    },
    /something else|does not hold/,
  ],
  [
    'signature',
    (one) => {
      one.signature = other.signature
    },
    /time of its signature is not proven/,
  ],
  [
    'signature, its timestamp missing',
    (one) => {
      one.signature = other.signature
      delete one.annotations[TIMESTAMP]
    },
    /something else/,
  ],
  [
    'signature empty',
    (one) => {
      one.signature = Buffer.of()
    },
    /wrong or missing/,
  ],
  [
    'certificate missing',
    (one) => {
      delete one.annotations[CERTIFICATE]
    },
    /signed by a key, and has no certificate/,
  ],
  [
    'certificate in no PEM',
    (one) => {
      one.annotations[CERTIFICATE] = 'certificate'
    },
    /no PEM block/,
  ],
  [
    'two certificates',
    (one) => {
      one.annotations[CERTIFICATE] += one.annotations[CERTIFICATE]!
    },
    /no PEM block/,
  ],
  [
    'log entry missing',
    (one) => {
      delete one.annotations[LOG]
    },
    /stands in no transparency log/,
  ],
  [
    'log entry of another signature',
    (one) => {
      one.annotations[LOG] = other.annotations[LOG]!
    },
    /something else/,
  ],
  [
    'log entry of a statement',
    (one) => {
      one.annotations[LOG] = stated.annotations[LOG]!
    },
    /something else/,
  ],
  [
    'promise of the log',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.SignedEntryTimestamp = turned(entry.SignedEntryTimestamp)
      }),
    /promise of a transparency log/,
  ],
  [
    'time in the log',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.Payload.integratedTime = Number(entry.Payload.integratedTime) + 1
      }),
    /promise of a transparency log/,
  ],
  [
    'time in the log as text',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.Payload.integratedTime = 'now'
      }),
    /integratedTime/,
  ],
  [
    'place in the log',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.Payload.logIndex += 1
      }),
    /promise of a transparency log/,
  ],
  [
    'id of the log',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.Payload.logID = 'f'.repeat(64)
      }),
    /promise of a transparency log/,
  ],
  [
    'id of the log cut',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.Payload.logID = 'ff'
      }),
    /want a SHA-256/,
  ],
  [
    'body of the log entry',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.Payload.body = JSON.parse(other.annotations[LOG]!).Payload.body
      }),
    /promise of a transparency log/,
  ],
  [
    'body of the log entry no JSON',
    (one) =>
      editLog(one.annotations, (entry) => {
        entry.Payload.body = 'AAAA'
      }),
    /./,
  ],
  [
    'log entry no JSON',
    (one) => {
      one.annotations[LOG] = '{'
    },
    /no JSON/,
  ],
  [
    'two members of one name in the log entry',
    (one) => {
      one.annotations[LOG] = one.annotations[LOG]!.replace('{', '{"Payload":{},')
    },
    /Payload/,
  ],
  [
    'timestamp of another signature',
    (one) => {
      one.annotations[TIMESTAMP] = other.annotations[TIMESTAMP]!
    },
    /time of its signature is not proven/,
  ],
  [
    'timestamp empty',
    (one) => {
      one.annotations[TIMESTAMP] = '{}'
    },
    /SignedRFC3161Timestamp/,
  ],
  [
    'timestamp of bytes that are none',
    (one) => {
      one.annotations[TIMESTAMP] = '{"SignedRFC3161Timestamp":"AAAA"}'
    },
    /cannot be read/,
  ],
]
for (const [what, tamper, reason] of cases) {
  test(`a signature of the older form is refused for what was tampered with: ${what}`, () => {
    const one: Older = { payload, signature: signed.signature, annotations: { ...signed.annotations } }
    tamper(one)
    refuses(() => trustIn(sigstore.trustedRoot).signature(one, 'it'), reason)
  })
}

const statements: readonly [string, (annotations: Annotations) => Uint8Array, RegExp][] = [
  [
    'payload',
    () => Buffer.from(formatEnvelope({ ...stated.envelope, payload: sampleStatement('bad') })),
    /time of its signature/,
  ],
  [
    'payload, its timestamp missing',
    (annotations) => {
      delete annotations[TIMESTAMP]
      return Buffer.from(formatEnvelope({ ...stated.envelope, payload: sampleStatement('bad') }))
    },
    /something else/,
  ],
  [
    'type of the payload',
    (annotations) => {
      delete annotations[TIMESTAMP]
      return Buffer.from(formatEnvelope({ ...stated.envelope, payloadType: 'text/plain' }))
    },
    /signature does not hold/,
  ],
  [
    'white space of the envelope, which was stamped as a whole',
    () => Buffer.from(`${formatEnvelope(stated.envelope)}\n`),
    /time of its signature/,
  ],
  [
    'log entry of another statement',
    (annotations) => {
      annotations[LOG] = otherStated.annotations[LOG]!
      return Buffer.from(formatEnvelope(stated.envelope))
    },
    /something else/,
  ],
  [
    'timestamp over the signature alone',
    (annotations) => {
      const { timestampVerificationData } = JSON.parse(Buffer.from(stated.bundle).toString()).verificationMaterial
      const [{ signedTimestamp }] = timestampVerificationData.rfc3161Timestamps
      annotations[TIMESTAMP] = JSON.stringify({ SignedRFC3161Timestamp: signedTimestamp })
      return Buffer.from(formatEnvelope(stated.envelope))
    },
    /time of its signature/,
  ],
]
for (const [what, tamper, reason] of statements) {
  test(`a statement of the older form is refused for what was tampered with: ${what}`, () => {
    const annotations = { ...stated.annotations }
    const bytes = tamper(annotations)
    refuses(() => trustIn(sigstore.trustedRoot).envelope(bytes, annotations, 'it'), reason)
  })
}
