import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityTrust, parseTrustedRoot } from '#attest'
import { messageOf } from '#core'
import { runOrThrow } from './parts/command.ts'

/** The module whose own tests verify these bundles; it is fetched when the proof runs, from where Go is configured to look. */
const MODULE = { path: 'github.com/sigstore/sigstore-go', version: 'v1.2.1' }

/** Who has signed each, and what upstream's tests say of it. */
const GOOD: Readonly<Record<string, { name: string; issuer: string }>> = {
  'sigstore.js@2.0.0-provenance': {
    name: 'https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main',
    issuer: 'https://token.actions.githubusercontent.com',
  },
  dsse: { name: 'brian@dehamer.com', issuer: 'https://github.com/login/oauth' },
}
const REFUSED: Readonly<Record<string, RegExp>> = {
  // Two signatures, of which a bundle may have one.
  'dsse-2sigs': /signatures/,
  // Bundles of files, not of statements about images.
  othername: /it holds no envelope/,
  'public-key-validity': /it holds no envelope/,
}

/** What nobody signs and nothing is decided by, with why: a change of it alone is accepted. */
const HINTS: readonly [RegExp, string][] = [
  [/^dsseEnvelope\.signatures\.0\.keyid /, 'a hint; the certificate decides'],
  [/\.x509CertificateChain\.certificates\.[12](\.rawBytes)? /, "authorities are the root's, never a bundle's own"],
  [/\.tlogEntries\.0\.inclusionProof left out$/, "in version 0.1 the log's signed promise is enough, and is verified"],
  [/\.timestampVerificationData(\.rfc3161Timestamps)? left out$/, 'the list is empty'],
]

/** In how many places a text is changed at most, its first and last byte among them. */
const PLACES = 12

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * Real bundles of upstream, made by Sigstore's public services, against its real root: the good ones are believed, the bad one
 * refused, and so is each good one with any member left out or any text changed, in its first byte, its last, and in between. Wants Go.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'casemate-bundles-'))
  try {
    await writeFile(join(folder, 'go.mod'), 'module casemate-bundles\n')
    const order = ['go', 'mod', 'download', '-json', `${MODULE.path}@${MODULE.version}`]
    const { Dir }: { Dir: string } = JSON.parse(await runOrThrow(order, { cwd: folder }))
    return await judge(join(Dir, 'pkg/testing/data'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function judge(data: string): Promise<{ holds: boolean; lines: string[] }> {
  const root = await parseTrustedRoot(await readFile(join(data, 'trusted-roots/public-good.json')), 'public-good.json')
  const lines = [`bundles of ${MODULE.path} ${MODULE.version}, by the root of Sigstore's public services`, '']
  let holds = true
  for (const [name, wanted] of Object.entries(REFUSED)) {
    const reason = refusal(identityTrust(root, [{ name: /.+/u, issuer: '' }]), await bundleAt(data, name))
    const isRight = reason !== undefined && wanted.test(reason)
    holds &&= isRight
    lines.push(`${isRight ? 'refused ' : 'WRONG   '} ${name}: ${reason ?? 'it is believed'}`)
  }
  for (const [name, identity] of Object.entries(GOOD)) {
    const bytes = await bundleAt(data, name)
    const trust = identityTrust(root, [identity])
    const reason = refusal(trust, bytes)
    lines.push(`${reason === undefined ? 'believed' : 'WRONG   '} ${name}: ${reason ?? identity.name}`)
    const other = refusal(identityTrust(root, [{ ...identity, name: `${identity.name}x` }]), bytes)
    lines.push(`${other === undefined ? 'WRONG   ' : 'refused '} ${name} as another identity`)
    const { tried, accepted } = tamper(trust, JSON.parse(bytes.toString('utf8')))
    const unexplained = accepted.filter((what) => !HINTS.some(([pattern]) => pattern.test(what)))
    const explained = HINTS.map(([pattern, why]) => [accepted.filter((what) => pattern.test(what)), why] as const)
    lines.push(`refused  ${tried - accepted.length} of ${tried} changes of it, one at a time`)
    for (const [found, why] of explained)
      if (found.length > 0) lines.push(`  accepted ${found.length}: ${why} (${found[0]})`)
    lines.push(...unexplained.map((what) => `  ACCEPTED ${what}`))
    holds &&= reason === undefined && other !== undefined && unexplained.length === 0
  }
  return { holds, lines }
}

function bundleAt(data: string, name: string): Promise<Buffer> {
  return readFile(join(data, 'bundles', `${name}.sigstore.json`))
}

type Trust = ReturnType<typeof identityTrust>

function refusal(trust: Trust, bytes: Uint8Array): string | undefined {
  try {
    trust.bundle(bytes, 'it')
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** Tries every change of a bundle; gives which are accepted nevertheless. */
function tamper(trust: Trust, bundle: Json): { tried: number; accepted: string[] } {
  const accepted: string[] = []
  let tried = 0
  for (const { what, changed } of changesOf(bundle)) {
    tried++
    if (refusal(trust, Buffer.from(JSON.stringify(changed))) === undefined) accepted.push(what)
  }
  return { tried, accepted }
}

interface Change {
  readonly what: string
  readonly changed: Json
}

/** Each member left out, and each text changed. */
function* changesOf(value: Json, path = ''): Generator<Change> {
  if (typeof value === 'string') {
    for (const [at, changed] of turnedTexts(value)) yield { what: `${path} byte ${at}`, changed }
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    const put = (changed: Json | undefined): Json =>
      Array.isArray(value)
        ? value.flatMap((one, index) => (String(index) !== name ? [one] : changed === undefined ? [] : [changed]))
        : Object.fromEntries(
            Object.entries({ ...value, [name]: changed }).flatMap(([key, one]) =>
              one === undefined ? [] : [[key, one]],
            ),
          )
    const place = path === '' ? name : `${path}.${name}`
    if (member !== null) yield { what: `${place} left out`, changed: put(undefined) }
    for (const { what, changed } of changesOf(member, place)) yield { what, changed: put(changed) }
  }
}

/** A text with one bit turned: of a byte that base64 stands for, or of a character; in so many places at most. */
function* turnedTexts(text: string): Generator<[number, string]> {
  const decoded = Buffer.from(text, 'base64')
  const isBase64 = text.length >= 16 && decoded.toString('base64') === text
  const bytes = isBase64 ? decoded : Buffer.from(text)
  const places = Math.min(bytes.length, PLACES)
  for (let place = 0; place < places; place++) {
    const at = places === 1 ? 0 : Math.round((place * (bytes.length - 1)) / (places - 1))
    const turned = Buffer.from(bytes)
    turned[at] = (turned[at] ?? 0) ^ 1
    yield [at, turned.toString(isBase64 ? 'base64' : 'utf8')]
  }
}
