import { test } from 'node:test'
import {
  bundleWorld,
  refuses,
  sampleStatement,
  stampsOf,
  type Tamper,
  trustIn,
  turned,
  write,
} from './fixtures.test.ts'

const world = bundleWorld()

const cases: readonly [string, Tamper, RegExp][] = [
  [
    'payload changed',
    (b) => {
      b.dsseEnvelope!.payload = Buffer.from(sampleStatement('bad')).toString('base64')
    },
    /log entry is of something else/,
  ],
  [
    'payload type changed',
    (b) => {
      b.dsseEnvelope!.payloadType = 'text/plain'
    },
    /signature does not hold/,
  ],
  [
    'signature of another payload',
    (b, w) => {
      b.dsseEnvelope!.signatures = w.read('other').dsseEnvelope!.signatures
    },
    /time of its signature is not proven/,
  ],
  [
    'signature and timestamp of another payload',
    (b, w) => {
      b.dsseEnvelope!.signatures = w.read('other').dsseEnvelope!.signatures
      b.verificationMaterial.timestampVerificationData = w.read('other').verificationMaterial.timestampVerificationData!
    },
    /log entry is of something else/,
  ],
  [
    'a bit of the signature, without a timestamp',
    (b) => {
      stampsOf(b).length = 0
      b.dsseEnvelope!.signatures[0]!.sig = turned(b.dsseEnvelope!.signatures[0]!.sig)
    },
    /log entry is of something else/,
  ],
  [
    'base64 of the signature cut',
    (b) => {
      b.dsseEnvelope!.signatures[0]!.sig = b.dsseEnvelope!.signatures[0]!.sig.slice(0, -3)
    },
    /no base64|not proven/,
  ],
  [
    'base64 of the payload cut in a character',
    (b) => {
      b.dsseEnvelope!.payload = b.dsseEnvelope!.payload.replace(/=*$/, '').replace(/..$/, '!')
    },
    /want base64/,
  ],
  [
    'a second signature',
    (b, w) => {
      b.dsseEnvelope!.signatures.push(w.read('other').dsseEnvelope!.signatures[0]!)
    },
    /dsseEnvelope\.signatures/,
  ],
  [
    'no signature',
    (b) => {
      b.dsseEnvelope!.signatures = []
    },
    /at least one signature/,
  ],
  [
    'envelope missing',
    (b) => {
      delete b.dsseEnvelope
    },
    /holds no envelope/,
  ],
  [
    'a bare signature in place of the envelope',
    (b) => {
      b.messageSignature = {
        messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' },
        signature: b.dsseEnvelope!.signatures[0]!.sig,
      }
      delete b.dsseEnvelope
    },
    /holds no envelope/,
  ],
  [
    'an envelope and a bare signature',
    (b) => {
      b.messageSignature = { signature: 'AAAA' }
    },
    /cannot/,
  ],
  [
    'certificate of another signing',
    (b, w) => {
      b.verificationMaterial.certificate = w.read('unstamped').verificationMaterial.certificate!
    },
    /names another key|does not hold|not to be believed/,
  ],
  [
    'certificate of another authority',
    (b, w) => {
      b.verificationMaterial.certificate = w.read('strange').verificationMaterial.certificate!
    },
    /certificate is not to be believed/,
  ],
  [
    'a bit of the certificate',
    (b) => {
      b.verificationMaterial.certificate!.rawBytes = turned(b.verificationMaterial.certificate!.rawBytes)
    },
    /certificate is not to be believed/,
  ],
  [
    'certificate cut',
    (b) => {
      b.verificationMaterial.certificate!.rawBytes = b.verificationMaterial.certificate!.rawBytes.slice(0, 400)
    },
    /cannot be read|could not be verified/,
  ],
  [
    'certificate of 100 KiB',
    (b) => {
      b.verificationMaterial.certificate!.rawBytes = 'A'.repeat(100 * 1024)
    },
    /rawBytes/,
  ],
  [
    'certificate missing',
    (b) => {
      delete b.verificationMaterial.certificate
    },
    /verificationMaterial/,
  ],
  [
    'certificate replaced by the hint at a key',
    (b) => {
      delete b.verificationMaterial.certificate
      b.verificationMaterial.publicKey = { hint: 'ours' }
    },
    /signed by a key, and has no certificate/,
  ],
  [
    'bundle version unknown',
    (b) => {
      b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json'
    },
    /media type/,
  ],
  [
    'media type of something else',
    (b) => {
      b.mediaType = 'application/json'
    },
    /media type/,
  ],
  [
    'media type missing',
    (b) => {
      delete b.mediaType
    },
    /`mediaType` is missing/,
  ],
]

for (const [what, tamper, reason] of cases) {
  test(`a bundle is refused for what was tampered with: ${what}`, () => {
    const bundle = world().read('good')
    tamper(bundle, world())
    refuses(() => trustIn(world().sigstore.trustedRoot).bundle(write(bundle), 'it'), reason)
  })
}

const documents: readonly [string, (text: string) => string, RegExp][] = [
  [
    'two members of one name',
    (text) => text.replace('{', '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'),
    /mediaType/,
  ],
  ['its end missing', (text) => text.slice(0, -10), /no JSON/],
  ['nothing but depth', () => '['.repeat(100_000), /no JSON|deep/],
  ['another document before it', (text) => `{}${text}`, /no JSON/],
  ['no bundle but a list', (text) => `[${text}]`, /want a bundle/],
]
for (const [what, tamper, reason] of documents) {
  test(`a document is refused that has ${what}`, () => {
    const bytes = Buffer.from(tamper(Buffer.from(world().bundles.get('good')!).toString()))
    refuses(() => trustIn(world().sigstore.trustedRoot).bundle(bytes, 'it'), reason)
  })
}
