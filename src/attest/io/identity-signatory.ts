import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { bundleToJSON, type Bundle as SigstoreBundle, toMessageSignatureBundle } from '@sigstore/bundle'
import {
  DEFAULT_FULCIO_URL,
  DEFAULT_REKOR_URL,
  DSSEBundleBuilder,
  FulcioSigner,
  MessageSignatureBundleBuilder,
  RekorWitness,
  type Signature,
  TSAWitness,
} from '@sigstore/sign'
import { canonicalJson, type Json } from '#core'
import type { Signatory } from '../bundle.ts'
import { type Envelope, formatEnvelope } from '../envelope.ts'
import { AttestError } from '../errors.ts'
import { identityName, identityTrust } from '../identity-trust.ts'
import { annotationsOfBundle } from '../older-form.ts'
import { STATEMENT_TYPE } from '../statement.ts'
import type { SigningServices, TokenSource } from './open-identity.ts'
import { plainWords } from './plain-words.ts'

/** Milliseconds that a service may stay silent, and how often it is asked again. */
const PATIENCE = { timeout: 30_000, retry: { retries: 2 } }
/** Milliseconds for which a certificate must still live when something is signed: the log's time must lie within. */
const MARGIN = 60_000

/** As `openIdentitySignatory` says. */
export async function newIdentitySignatory(token: TokenSource, services: SigningServices): Promise<Signatory> {
  const signer = new CertifiedSigner(token, services.fulcioUrl || DEFAULT_FULCIO_URL)
  const { name, issuer } = await signer.certified()
  const log = new RekorWitness({
    ...PATIENCE,
    rekorBaseURL: baseUrl(services.rekorUrl || DEFAULT_REKOR_URL),
    // A request that was sent again may find its first try there.
    fetchOnConflict: true,
  })
  const { timestampUrl } = services
  const stamps = !timestampUrl ? [] : [new TSAWitness({ ...PATIENCE, tsaBaseURL: baseUrl(timestampUrl) })]
  const builderOptions = { signer, witnesses: [log, ...stamps] }
  const trust = services.root === undefined ? undefined : identityTrust(services.root, [{ name, issuer }])
  const what = 'what was signed just now'
  return {
    name: identityName({ name, issuer }),
    async signStatement(payload) {
      const builder = new DSSEBundleBuilder(builderOptions)
      const bundle = await asked(() => builder.create({ data: Buffer.from(payload), type: STATEMENT_TYPE }))
      const envelope = envelopeOf(bundle)
      // In the older form a timestamp is over the whole envelope (cosign, pkg/cosign/tsa).
      const whole = Buffer.from(formatEnvelope(envelope))
      const stamped = []
      for (const stamp of stamps) {
        const { content } = toMessageSignatureBundle({ digest: Buffer.of(), signature: whole })
        const { rfc3161Timestamps } = await asked(() => stamp.testify(content))
        stamped.push(...rfc3161Timestamps.map(({ signedTimestamp }) => signedTimestamp))
      }
      const json = new TextEncoder().encode(canonicalJson(bundleToJSON(bundle) as Json))
      const annotations = annotationsOfBundle(bundle, stamped)
      trust?.bundle(json, what)
      trust?.envelope(whole, annotations, what)
      return { envelope, bundle: json, annotations }
    },
    async signPayload(payload) {
      const builder = new MessageSignatureBundleBuilder(builderOptions)
      const bundle = await asked(() => builder.create({ data: Buffer.from(payload) }))
      if (bundle.content.$case !== 'messageSignature') throw refused('the library made another bundle')
      const stamped = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? []
      const timestamps = stamped.map(({ signedTimestamp }) => signedTimestamp)
      const { signature } = bundle.content.messageSignature
      const annotations = annotationsOfBundle(bundle, timestamps)
      trust?.signature({ payload, signature, annotations }, what)
      return { signature, annotations }
    },
  }
}

function envelopeOf({ content }: SigstoreBundle): Envelope {
  if (content.$case !== 'dsseEnvelope') throw refused('the library made another bundle')
  const { payload, payloadType, signatures } = content.dsseEnvelope
  return { payload, payloadType, signatures: signatures.map(({ sig }) => ({ signature: sig })) }
}

/** A key that lives as long as its certificate. */
interface Certified {
  readonly privateKey: KeyObject
  readonly pem: string
  readonly certificate: X509Certificate
  readonly issuer: string
}

/** Signs with keys that an authority certifies, a new one when the certificate ends. */
class CertifiedSigner {
  readonly #token: TokenSource
  readonly #fulcioUrl: string
  #current: Certified | undefined

  constructor(token: TokenSource, fulcioUrl: string) {
    this.#token = token
    this.#fulcioUrl = baseUrl(fulcioUrl)
  }

  /** Whom the certificate names, by whose word. */
  async certified(): Promise<{ name: string; issuer: string }> {
    const { certificate, issuer } = await this.#certificate()
    const [, name] = /^(?:URI|email):([^,"]+)$/.exec(certificate.subjectAltName ?? '') ?? []
    if (name === undefined) throw refused('the certificate names nobody, or several')
    return { name, issuer }
  }

  async sign(data: Buffer): Promise<Signature> {
    const { privateKey, pem } = await this.#certificate()
    return { signature: sign('sha256', data, privateKey), key: { $case: 'x509Certificate', certificate: pem } }
  }

  async #certificate(): Promise<Certified> {
    const current = this.#current
    if (current !== undefined && current.certificate.validToDate.getTime() > Date.now() + MARGIN) return current
    const { token, issuer } = await this.#token()
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const authority = new FulcioSigner({
      ...PATIENCE,
      fulcioBaseURL: this.#fulcioUrl,
      identityProvider: { getToken: async () => token },
      keyHolder: {
        sign: async (data) => ({
          signature: sign('sha256', data, privateKey),
          key: { $case: 'publicKey', publicKey: spki },
        }),
      },
    })
    // The library gives a certificate with a signature only; this one is of nothing, and thrown away.
    const { key } = await asked(() => authority.sign(Buffer.of()))
    const pem = key.$case === 'x509Certificate' ? key.certificate : ''
    const certificate = readCertificate(pem)
    if (!certificate.publicKey.equals(publicKey)) {
      throw refused('the certificate is for another key than ours')
    }
    const first = current ?? { certificate, issuer }
    if (certificate.subjectAltName !== first.certificate.subjectAltName || issuer !== first.issuer) {
      throw refused('the new certificate names another identity than the first')
    }
    this.#current = { privateKey, pem, certificate, issuer }
    return this.#current
  }
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw refused('what the authority issued is no certificate', cause)
  }
}

/**
 * The address of a service without a slash at its end. Throws `SIGNING_REFUSED` for one without encryption, unless it is this machine:
 * who sees the token can sign as its owner.
 */
function baseUrl(address: string): string {
  const url = URL.parse(address)
  const isHere = url !== null && /^(localhost|\[::1\]|127(\.\d{1,3}){3})$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isHere))) {
    throw refused(`want an address of https, not ${plainWords(address)}`)
  }
  return address.replace(/\/+$/, '')
}

/** What a service gives, its refusals in our words: the library's may hold the token. */
async function asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof AttestError) throw error
    throw refused(reasonOf(error))
  }
}

const SERVICES: Readonly<Record<string, string>> = {
  CA_CREATE_SIGNING_CERTIFICATE_ERROR: 'the certificate authority issued none',
  TLOG_CREATE_ENTRY_ERROR: 'the transparency log took no entry',
  TLOG_FETCH_ENTRY_ERROR: 'the transparency log does not give the entry that it has',
  TSA_CREATE_TIMESTAMP_ERROR: 'the timestamp authority issued none',
  IDENTITY_TOKEN_PARSE_ERROR: 'the token names nobody',
}

function reasonOf(error: unknown): string {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown }
  const service = SERVICES[String(code)] ?? 'a service failed'
  if (code === 'IDENTITY_TOKEN_PARSE_ERROR') return service
  const said = cause instanceof Error ? plainWords(cause.message).replace(/^\((\d+)\) /, 'HTTP $1: ') : ''
  return said === '' ? service : `${service} (${said})`
}

function refused(reason: string, cause?: unknown): AttestError {
  return new AttestError('SIGNING_REFUSED', `cannot sign with an identity: ${reason}`, { cause })
}
