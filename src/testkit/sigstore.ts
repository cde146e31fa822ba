import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Json } from '#core'
import { CertificateLog } from './certificate-log.ts'
import { TransparencyLog } from './transparency-log.ts'

/** A stand-in for Fulcio, Rekor and a timestamp authority on loopback: real certificates, proofs and timestamps of a root of its own. */
export interface TestSigstore {
  /** The address of all three services. */
  readonly url: string
  /** The root by which what they sign is verified, as Sigstore's `trusted_root.json`. */
  readonly trustedRoot: TrustedRootJson
  /** A token for an identity: a URI that becomes the certificate's name. No other tokens are taken. */
  token(identity: string, issuer?: string): string
  /** Requests so far, by path. */
  readonly requests: string[]
  /** What a service answers instead; `undefined` lets it do its work. */
  fault: (path: string) => { readonly status: number; readonly body: string } | undefined
  /** Seconds by which the log's clock is ahead of the others'. */
  logAhead: number
  /** Seconds that a new certificate, which lives for 600, is old already. */
  certificateAge: number
  /** Takes an entry into the log without anybody's check, and answers as Rekor does. */
  log(proposed: Parameters<TransparencyLog['add']>[0]): ReturnType<TransparencyLog['add']>
}

interface Answer {
  readonly status: number
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** The members of `trusted_root.json` that tests change. */
export interface TrustedRootJson {
  readonly mediaType: string
  readonly tlogs: Json[]
  readonly ctlogs: Json[]
  readonly certificateAuthorities: Json[]
  readonly timestampAuthorities: Json[]
}

export const TEST_ISSUER = 'https://issuer.test'

interface Cleanup {
  after(end: () => unknown): void
}

/**
 * Starts the services; they end with the test. Every call has keys of its own. `unlogged` leaves certificates out of the log of
 * certificates that the root names all the same.
 */
export async function testSigstore(t: Cleanup, { unlogged = false } = {}): Promise<TestSigstore> {
  // Loaded here: it is large, and most tests sign nothing.
  const { fulcioHandler, initializeCA, initializeTSA, tsaHandler } = await import('@sigstore/mock')
  const keys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [caKeys, ctKeys, tsaKeys, logKeys, tokenKeys] = [keys(), keys(), keys(), keys(), keys()]
  const ctLog = new CertificateLog(ctKeys)
  const issueClock = new Date()
  const authority = await initializeCA(caKeys, unlogged ? undefined : ctLog, issueClock)
  // A timestamp without fractions of a second: the stand-in's encoder writes some that no reader takes.
  const stampClock = new Date()
  const timestamps = await initializeTSA(tsaKeys, stampClock)
  const issueCertificate = fulcioHandler(authority, { strict: true })
  const issueTimestamp = tsaHandler(timestamps, { strict: true })
  const tokens = new Set<string>()
  const requests: string[] = []

  const answer = async (path: string, body: string): Promise<Answer> => {
    const fault = sigstore.fault(path)
    if (fault !== undefined) return fault
    if (path === issueCertificate.path && !tokens.has(tokenOf(body))) {
      return { status: 401, body: JSON.stringify({ message: 'the token is nobody\u2019s' }) }
    }
    if (path === '/api/v1/log/entries') {
      const entry = sigstore.log(JSON.parse(body))
      const [uuid = ''] = Object.keys(entry)
      return { status: 201, body: JSON.stringify(entry), headers: { etag: uuid } }
    }
    issueClock.setTime(Date.now() - sigstore.certificateAge * 1000)
    stampClock.setTime(Math.floor(Date.now() / 1000) * 1000)
    const handler = [issueCertificate, issueTimestamp].find((one) => one.path === path)
    if (handler === undefined) return { status: 404, body: '{}' }
    const { statusCode, response } = await handler.fn(body)
    // Fulcio answers 200 where the stand-in says 201, and cosign 3 takes no other.
    return { status: statusCode === 201 ? 200 : statusCode, body: response as string | Buffer }
  }
  const host = await serve(t, (path, body) => {
    requests.push(path)
    return answer(path, body)
  })
  const log = new TransparencyLog(logKeys, host)
  const logKey = logKeys.publicKey.export({ type: 'spki', format: 'der' })
  const sigstore: TestSigstore = {
    url: `http://${host}`,
    trustedRoot: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [trustedLog(`http://${host}`, logKey, log.id)],
      ctlogs: [trustedLog(`http://${host}/ct`, ctLog.publicKey, ctLog.logID)],
      certificateAuthorities: [trustedAuthority(`http://${host}`, [authority.rootCertificate])],
      timestampAuthorities: [
        trustedAuthority(`http://${host}`, [timestamps.intCertificate, timestamps.rootCertificate]),
      ],
    },
    token(identity, issuer = TEST_ISSUER) {
      const token = newToken(tokenKeys.privateKey, identity, issuer)
      tokens.add(token)
      return token
    },
    requests,
    fault: () => undefined,
    logAhead: 0,
    certificateAge: 0,
    log: (proposed) => log.add(proposed, Math.floor(Date.now() / 1000) + sigstore.logAhead),
  }
  return sigstore
}

/** A token as OpenID providers sign them (RFC 7519), good for ten minutes. */
function newToken(key: KeyObject, identity: string, issuer: string): string {
  const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const issued = Math.floor(Date.now() / 1000)
  const claims = { sub: identity, iss: issuer, aud: 'sigstore', iat: issued, exp: issued + 600 }
  const signed = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

/** Starts a server that ends with the test; gives its host and port. */
async function serve(t: Cleanup, answer: (path: string, body: string) => Promise<Answer>): Promise<string> {
  const server = createServer((request, response) => {
    readBody(request)
      .then((body) => answer(request.url ?? '', withToken(body, request.headers.authorization)))
      .then(({ status, body, headers }) =>
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body),
      )
      .catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** cosign 3 sends the token as a header and its key as a request for a certificate; the stand-in takes both as members. */
function withToken(body: string, authorization: string | undefined): string {
  if (authorization === undefined) return body
  const request = JSON.parse(body)
  const certificateSigningRequest = Buffer.from(request.certificateSigningRequest ?? '', 'base64').toString()
  const credentials = { oidcIdentityToken: authorization.replace(/^Bearer /, '') }
  return JSON.stringify({ ...request, credentials, certificateSigningRequest })
}

function tokenOf(body: string): string {
  return JSON.parse(body).credentials.oidcIdentityToken
}

const EVER = { start: '2020-01-01T00:00:00Z' }

function trustedLog(baseUrl: string, key: Uint8Array, id: Uint8Array): Json {
  const publicKey = {
    rawBytes: Buffer.from(key).toString('base64'),
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    validFor: EVER,
  }
  return { baseUrl, hashAlgorithm: 'SHA2_256', publicKey, logId: { keyId: Buffer.from(id).toString('base64') } }
}

function trustedAuthority(uri: string, chain: readonly Uint8Array[]): Json {
  const certificates = chain.map((der) => ({ rawBytes: Buffer.from(der).toString('base64') }))
  const subject = { organization: 'casemate tests', commonName: createHash('sha256').update(uri).digest('hex') }
  return { subject, uri, certChain: { certificates }, validFor: EVER }
}

async function readBody(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Uint8Array>)).toString()
}
