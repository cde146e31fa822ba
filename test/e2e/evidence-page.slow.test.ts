import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf } from '#core'
import { composeImage, composeIndex, MEDIA_TYPES, platformOfDebian, pushImage, segmentBlobs } from '#oci'
import { RegistryServer } from '#oci/registry'
import { debianTool, softToken, tarOf, testSigstore, testVault } from '#testkit'
import { fencedBlocks } from '../readme-blocks.ts'

const root = resolve(import.meta.dirname, '../..')
const IDENTITY = 'https://ci.example.org/team/release'
const ISSUER = 'https://ci.example.org'

interface Ended {
  readonly status: number
  readonly output: string
}

/** A folder with a registry that has an image, services that sign, and `casemate` and `cosign` to call. */
async function workplace(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-e2e-'))
  const server = await RegistryServer.start(join(folder, 'registry'), { host: '127.0.0.1', port: 0, onError: () => {} })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  await pushSample(folder, server.address)
  const [sigstore, vault] = [await testSigstore(t), await testVault(t)]
  vault.createKey('release')
  const token = softToken(t, 'team')
  token.createKey('release', { id: '01' })
  writeFileSync(join(folder, 'token-pin'), token.pin)
  writeFileSync(join(folder, 'trusted_root.json'), JSON.stringify(sigstore.trustedRoot))
  mkdirSync(join(folder, 'bin'))
  const main = join(root, 'src/cli/main.ts')
  const shim = `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${main}' "$@"\n`
  writeFileSync(join(folder, 'bin/casemate'), shim, { mode: 0o755 })
  symlinkSync(debianTool('cosign-3'), join(folder, 'bin/cosign'))
  const env: Record<string, string> = {
    PATH: [join(folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter),
    HOME: folder,
    IMAGE: `${server.address}/team/app:1`,
    COSIGN_PASSWORD: 'secret',
    SIGSTORE_ID_TOKEN: sigstore.token(IDENTITY, ISSUER),
    SIGSTORE_FULCIO_URL: sigstore.url,
    SIGSTORE_REKOR_URL: sigstore.url,
    SIGSTORE_TSA_URL: sigstore.url,
    ...token.environment,
    VAULT_ADDR: vault.url,
    VAULT_TOKEN: vault.token,
    NO_COLOR: '1',
  }
  const run = (line: string, more: Record<string, string> = {}) =>
    new Promise<Ended>((resolve) => {
      execFile('/bin/sh', ['-euc', line], { cwd: folder, env: { ...env, ...more } }, (error, stdout, stderr) =>
        resolve({ status: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
      )
    })
  return { folder, run, sigstore, vault }
}

/** Pushes an image for two platforms. */
async function pushSample(folder: string, registry: string): Promise<void> {
  const made = ['amd64', 'arm64'].map((architecture) => {
    const tar = tarOf({ path: `etc/${architecture}`, content: architecture })
    const bytes = gzipSync(tar)
    const path = join(folder, `${architecture}.tar.gz`)
    writeFileSync(path, bytes)
    const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
    const config = {
      platform: platformOfDebian(architecture),
      created: '2026-01-02T03:04:05Z',
      config: { User: '65532' },
    }
    const image = composeImage({ config, layers: [{ descriptor, diffId: digestOf(tar) }] })
    return { image, blob: { descriptor, segments: [{ path }] } }
  })
  const blobs = segmentBlobs(made.map(({ blob }) => blob))
  const source = composeIndex(
    made.map(({ image }) => image),
    blobs,
  )
  await pushImage(source, { transport: 'docker', registry, repository: 'team/app', tag: '1' })
}

test('every command of the page on evidence does what the page says', async (t) => {
  const { run } = await workplace(t)
  const page = readFileSync(join(root, 'docs/evidence.md'), 'utf8')
  const blocks = fencedBlocks(page)
  assert.ok(blocks.length >= 7)
  for (const { language, text, line } of blocks) {
    assert.equal(language, 'sh', `no test runs the block on line ${line}`)
    const { status, output } = await run(text)
    assert.equal(status, 0, `line ${line}: ${text}\n${output}`)
  }
})

test('an identity signs, and the image is verified by identity, issuer and root, and refused for any other', async (t) => {
  const { run, vault } = await workplace(t)
  const signed = await run('casemate sign $IMAGE --identity-token')
  assert.equal(signed.status, 0, signed.output)
  assert.match(
    signed.output,
    /signed {2}index .*\nsigned {2}linux\/amd64 .*\nsigned {2}linux\/arm64\/v8 .*\nby https:\/\/ci\.example\.org\/team\/release \(https:\/\/ci\.example\.org\)/,
  )
  const again = await run('casemate sign $IMAGE --identity-token')
  assert.match(again.output, /was signed already {2}index/)

  const who = `--certificate-identity ${IDENTITY}`
  const whose = `--certificate-oidc-issuer ${ISSUER}`
  const byRoot = '--trusted-root trusted_root.json'
  const verified = await run(`casemate verify $IMAGE ${who} ${whose} ${byRoot} --max-age 1h`)
  assert.equal(verified.status, 0, verified.output)
  assert.match(verified.output, /checked {5}2 certificates, 2 log entries, 2 timestamps\n/)
  assert.doesNotMatch(verified.output, /not checked|refused/)
  const json = await run(`casemate verify $IMAGE ${who} ${whose} ${byRoot} --json`)
  const { manifests } = JSON.parse(json.output)
  assert.equal(manifests[0].signatures[0].checked[0].detail, `${IDENTITY} (${ISSUER})`)

  const asked: readonly [string, number, RegExp][] = [
    [`${who}-2 ${whose} ${byRoot}`, 1, /refused: nobody who is trusted has signed/],
    [`${who} --certificate-oidc-issuer https://other.example.org ${byRoot}`, 1, /it is signed by .*, want/],
    [`${who} ${byRoot}`, 2, /want its --certificate-oidc-issuer/],
    [`${whose} ${byRoot}`, 2, /want one of --certificate-identity and --certificate-identity-regexp/],
    [`${who} ${whose}`, 2, /want --trusted-root FILE/],
    [`--certificate-identity-regexp '(' ${whose} ${byRoot}`, 2, /cannot read --certificate-identity-regexp/],
    [`${who} ${whose} --trusted-root /nonexistent`, 2, /cannot read the trusted root/],
    [byRoot, 2, /say whom to believe/],
    ['--key hashivault://release', 1, /nobody who is trusted has signed/],
    [`--key hashivault://release ${who} ${whose} ${byRoot}`, 0, /verified/],
    [`--certificate-identity-regexp 'https://ci.example.org/.*' ${whose} ${byRoot}`, 0, /verified/],
  ]
  for (const [options, status, words] of asked) {
    const ended = await run(`casemate verify $IMAGE ${options}`)
    assert.equal(ended.status, status, `${options}\n${ended.output}`)
    assert.match(ended.output, words)
  }
  const listed = await run(`casemate evidence $IMAGE ${who} ${whose} ${byRoot}`)
  assert.match(listed.output, /verified {5}bundle/)
  vault.sealed = true
  const sealed = await run('casemate sign $IMAGE --key hashivault://release')
  assert.equal(sealed.status, 3)
  assert.match(sealed.output, /it is sealed .*\[SIGNING_REFUSED\]/)
})

test('who signs is said once, and tokens that say nobody sign nothing', async (t) => {
  const { run, sigstore } = await workplace(t)
  const asked: readonly [string, number, RegExp, Record<string, string>?][] = [
    ['', 2, /cannot sign: say who signs, by --key KEY or by --identity-token/],
    ['--identity-token --key release.key', 2, /cannot both sign/],
    ['--key release.key --rekor-url https://rekor.example.org', 2, /go with --identity-token/],
    ['--identity-token /nonexistent', 2, /cannot read the identity token.*\[TOKEN_INVALID\]/],
    ['--identity-token', 2, /there is none: name a file/, { SIGSTORE_ID_TOKEN: '' }],
    ['--identity-token', 2, /no JSON Web Token/, { SIGSTORE_ID_TOKEN: 'secret-word' }],
    ['--identity-token --fulcio-url http://fulcio.example.org', 3, /want an address of https/],
  ]
  for (const [options, status, words, env] of asked) {
    const ended = await run(`casemate sign $IMAGE ${options}`, env)
    assert.equal(ended.status, status, `${options}\n${ended.output}`)
    assert.match(ended.output, words)
    assert.doesNotMatch(ended.output, /secret-word/)
  }
  sigstore.logAhead = 3600
  const late = await run('casemate sign $IMAGE --identity-token --trusted-root trusted_root.json')
  assert.equal(late.status, 3)
  assert.match(late.output, /cannot trust what was signed just now: .* \[ENVELOPE_UNTRUSTED\]/)
  sigstore.fault = (path) => (path.endsWith('/log/entries') ? { status: 400, body: '{"message":"closed"}' } : undefined)
  const unlogged = await run('casemate sign $IMAGE --identity-token')
  assert.equal(unlogged.status, 3)
  assert.match(unlogged.output, /the transparency log took no entry \(HTTP 400: closed\)/)
  const nothing = await run('casemate evidence $IMAGE')
  assert.doesNotMatch(nothing.output, /bundle|image-signature/)
})
