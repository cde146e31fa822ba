import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  BUNDLE_TYPE,
  ENVELOPE_TYPE,
  formatEnvelope,
  formatStatement,
  generateKeyPair,
  keySignatory,
  keyTrust,
  openPrivateKey,
  type PublicKey,
  preAuthenticationEncoding,
  SIGN_PREDICATE,
  type Signer,
  STATEMENT_TYPE,
} from '#attest'
import { CasemateError, type Digest, digestOf, type Json } from '#core'
import {
  type BlobSource,
  composeArtifact,
  type Descriptor,
  describe,
  type ImageDocument,
  MEDIA_TYPES,
  parseManifest,
  type Repository,
} from '#oci'
import { type Judgement, judgeEvidence } from '../judge.ts'
import { evidenceTag } from '../tag-form.ts'
import { refusals } from '../verdict.ts'
import { attachSignature, attachStatements } from './attach.ts'
import { collectEvidence } from './collect.ts'
import { SIGNED_AT } from './fixtures.test.ts'

const NAME = 'registry.test/team/app'
const TYPE = 'https://example.test/review/v1'
const subjectOf = (text: string): Descriptor => describe(MEDIA_TYPES.manifest, Buffer.from(text))
const index = subjectOf('index')
const child = subjectOf('child')
const stranger = subjectOf('another image')

/** A repository that gives whatever it was told to, true or not. */
class HostileRepository implements Repository {
  readonly name = NAME
  readonly manifests = new Map<string, Uint8Array>()
  readonly referring = new Map<Digest, Descriptor[]>()
  readonly contents = new Map<Digest, () => AsyncIterable<Uint8Array>>()
  readonly opened: Digest[] = []

  async readManifest(reference: string) {
    const bytes = this.manifests.get(reference)
    return bytes && { mediaType: MEDIA_TYPES.manifest, bytes }
  }
  async referrers(digest: Digest) {
    return this.referring.get(digest) ?? []
  }
  async tags() {
    return [...this.manifests.keys()]
  }
  blobs(): BlobSource {
    return {
      open: (digest) => {
        this.opened.push(digest)
        return this.contents.get(digest)?.() ?? nothing()
      },
    }
  }
  async ensureBlob(blob: Descriptor, blobs: BlobSource) {
    const bytes = Buffer.concat(await Array.fromAsync(blobs.open(blob.digest)))
    this.contents.set(blob.digest, () => chunks(bytes))
    return 'uploaded' as const
  }
  async putManifest({ descriptor, bytes }: ImageDocument, reference: string) {
    this.manifests.set(reference, bytes)
    this.manifests.set(descriptor.digest, bytes)
    const { subject, artifactType, annotations } = JSON.parse(Buffer.from(bytes).toString())
    if (subject === undefined) return
    const found = this.referring.get(subject.digest) ?? []
    this.referring.set(subject.digest, [...found, { ...descriptor, artifactType, annotations }])
  }
  async close() {}

  /** Puts what says it is attached to one manifest there for another, too. */
  copyEvidence(from: Digest, to: Digest): void {
    for (const kind of ['sig', 'att'] as const) {
      const found = this.manifests.get(evidenceTag(from, kind))
      if (found !== undefined) this.manifests.set(evidenceTag(to, kind), found)
    }
    this.referring.set(to, [...(this.referring.get(from) ?? [])])
  }

  /** Changes the manifest under a tag, or of the first referrer. */
  edit(subject: Digest, place: 'sig' | 'att' | 'referrer', change: (manifest: Manifest) => unknown): void {
    const [first] = this.referring.get(subject) ?? []
    const reference = place === 'referrer' ? first!.digest : evidenceTag(subject, place)
    const manifest: Manifest = JSON.parse(Buffer.from(this.manifests.get(reference)!).toString())
    change(manifest)
    const bytes = Buffer.from(JSON.stringify(manifest))
    if (place !== 'referrer') return void this.manifests.set(reference, bytes)
    const changed = describe(MEDIA_TYPES.manifest, bytes)
    this.manifests.set(changed.digest, bytes)
    this.referring.set(subject, [{ ...first!, ...changed }])
  }
}

interface Manifest {
  layers: { mediaType: string; digest: Digest; size: number; annotations: Record<string, string> }[]
  annotations: Record<string, string>
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

let signer: Signer
let strangerKey: PublicKey
before(() => {
  const open = () => openPrivateKey(generateKeyPair('').privatePem, '', 'key')
  signer = open()
  strangerKey = open().publicKey
})

/** An index and a child of it, both signed, each with a statement. */
async function signedRepository({ signedAs = NAME, without = '' } = {}): Promise<HostileRepository> {
  const repository = new HostileRepository()
  const signing = { repository, signatory: keySignatory(signer), signedAs, signedAt: SIGNED_AT }
  for (const subject of [index, child]) {
    if (without !== 'signature') await attachSignature(subject, signing)
    await attachStatements(subject, [{ predicateType: TYPE, predicate: { about: subject.digest } }], signing)
  }
  return repository
}

/** What is believed of a manifest, and why it is refused where it is. */
async function judge(repository: Repository, { subject = index.digest, key = signer.publicKey, notBefore = 0 } = {}) {
  const found = await collectEvidence(repository, subject)
  const judgement = judgeEvidence(found, { trust: keyTrust([key]), repositories: [NAME] })
  const required = { predicateTypes: [TYPE], ...(notBefore > 0 ? { notBefore } : {}) }
  return { judgement, reasons: refusals(judgement, required).map(({ message }) => message) }
}

const words = ({ refused }: Judgement, reasons: readonly string[]) =>
  [...refused.map(({ reason }) => reason), ...reasons].join('\n')

test('what is attached as it should be is taken', async () => {
  const repository = await signedRepository()
  for (const subject of [index.digest, child.digest]) {
    const { judgement, reasons } = await judge(repository, { subject })
    assert.deepEqual(reasons, [])
    assert.equal(judgement.signatures.length, 2)
    assert.equal(judgement.statements.length, 2)
    assert.deepEqual(judgement.refused, [])
  }
})

/** Signs any statement, or anything that is called one, and attaches it as a bundle. */
async function attachForged(
  repository: Repository,
  subject: Descriptor,
  payload: Uint8Array,
  payloadType = STATEMENT_TYPE,
) {
  const signature = await signer.sign(preAuthenticationEncoding(payloadType, payload))
  const bundle = JSON.stringify({
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: '' } },
    dsseEnvelope: JSON.parse(formatEnvelope({ payloadType, payload, signatures: [{ signature }] })),
  })
  const content = { mediaType: BUNDLE_TYPE, bytes: Buffer.from(bundle) }
  const annotations = { 'dev.sigstore.bundle.content': 'dsse-envelope' }
  const { manifest, blobs } = composeArtifact({ artifactType: BUNDLE_TYPE, content, subject, annotations })
  for (const { descriptor, bytes } of blobs) await repository.ensureBlob(descriptor, { open: () => chunks(bytes) })
  await repository.putManifest(manifest, manifest.descriptor.digest)
}

type Make = () => Promise<{ repository: HostileRepository; subject?: Digest; key?: PublicKey; notBefore?: number }>
const only = (repository: HostileRepository) => repository.referring.set(index.digest, [])

const refused: readonly [string, Make, RegExp][] = [
  [
    'by a key that nobody trusts',
    async () => ({ repository: await signedRepository(), key: strangerKey }),
    /no trusted key has signed it/,
  ],
  [
    'for another repository',
    async () => ({ repository: await signedRepository({ signedAs: 'registry.test/evil/app' }) }),
    /it was signed as registry\.test\/evil\/app/,
  ],
  [
    'for another image',
    async () => {
      const repository = await signedRepository()
      repository.copyEvidence(index.digest, stranger.digest)
      return { repository, subject: stranger.digest }
    },
    /it signs sha256:.*, not sha256:/,
  ],
  [
    'for a platform, on the index',
    async () => {
      const repository = await signedRepository()
      repository.copyEvidence(child.digest, index.digest)
      return { repository }
    },
    /it is about sha256:.*, not sha256:/,
  ],
  [
    'for the index, on a platform',
    async () => {
      const repository = await signedRepository()
      repository.copyEvidence(index.digest, child.digest)
      return { repository, subject: child.digest }
    },
    /it is about sha256:.*, not sha256:/,
  ],
  [
    'with statements, but none that signs the image',
    async () => ({ repository: await signedRepository({ without: 'signature' }) }),
    /it has 2 statements, but nobody who is trusted has signed/,
  ],
  [
    'with nothing',
    async () => ({ repository: new HostileRepository() }),
    /nothing is attached .* `casemate copy` or `oras cp -r`/,
  ],
  [
    'before the age that is allowed',
    async () => ({ repository: await signedRepository(), notBefore: SIGNED_AT + 1 }),
    /no signature of .* is of .* or later/,
  ],
  [
    'with a payload of another signature',
    async () => {
      const repository = await signedRepository()
      only(repository)
      const other = await signedRepository({ signedAs: 'registry.test/other' })
      const {
        layers: [layer],
      } = parseManifest(other.manifests.get(evidenceTag(index.digest, 'sig'))!, 'other')
      repository.contents.set(layer!.digest, other.contents.get(layer!.digest)!)
      repository.edit(index.digest, 'sig', (manifest) =>
        Object.assign(manifest.layers[0]!, { digest: layer!.digest, size: layer!.size }),
      )
      return { repository }
    },
    /no trusted key has signed it/,
  ],
  [
    'without the signature beside its payload',
    async () => {
      const repository = await signedRepository()
      only(repository)
      repository.edit(index.digest, 'sig', ({ layers }) => {
        delete layers[0]!.annotations['dev.cosignproject.cosign/signature']
      })
      return { repository }
    },
    /no trusted key has signed it/,
  ],
  [
    'with a signature that is cut',
    async () => {
      const repository = await signedRepository()
      only(repository)
      repository.edit(index.digest, 'sig', ({ layers: [layer] }) => {
        layer!.annotations['dev.cosignproject.cosign/signature'] = layer!.annotations[
          'dev.cosignproject.cosign/signature'
        ]!.slice(0, -8)
      })
      return { repository }
    },
    /no trusted key has signed it/,
  ],
  [
    'with nothing but the mark of who has signed',
    async () => {
      const repository = new HostileRepository()
      const honest = await signedRepository()
      const { annotations } = honest.referring.get(index.digest)![0]!
      await attachForged(repository, index, Buffer.from('{}'))
      repository.edit(index.digest, 'referrer', (manifest) => Object.assign(manifest.annotations, annotations))
      return { repository }
    },
    /STATEMENT|cannot read the statement/,
  ],
  [
    'by a payload that is no statement',
    async () => {
      const repository = new HostileRepository()
      await attachForged(
        repository,
        index,
        statementOf(SIGN_PREDICATE, { sha256: index.digest.slice(7) }),
        'application/json',
      )
      return { repository }
    },
    /its payload is application\/json/,
  ],
  [
    'by a statement about another algorithm\u2019s digest alone',
    async () => {
      const repository = new HostileRepository()
      await attachForged(repository, index, statementOf(SIGN_PREDICATE, { sha512: 'a'.repeat(128) }))
      return { repository }
    },
    /nothing that has a SHA-256|it is about/,
  ],
  [
    'by a statement about a name alone',
    async () => {
      const repository = new HostileRepository()
      await attachForged(
        repository,
        index,
        Buffer.from(
          JSON.stringify({ ...JSON.parse(statementOf(SIGN_PREDICATE, {}).toString()), subject: [{ name: NAME }] }),
        ),
      )
      return { repository }
    },
    /digest/,
  ],
  [
    'by a statement with two members of one name',
    async () => {
      const repository = new HostileRepository()
      const text = statementOf(SIGN_PREDICATE, { sha256: index.digest.slice(7) }).toString()
      await attachForged(repository, index, Buffer.from(text.replace('{', `{"predicateType":"${TYPE}",`)))
      return { repository }
    },
    /predicateType/,
  ],
]

function statementOf(predicateType: string, digest: Json): Buffer {
  const text = Buffer.from(
    formatStatement({ subjects: [{ name: NAME, digest: index.digest }], predicateType, predicate: {} }),
  ).toString()
  return Buffer.from(JSON.stringify({ ...JSON.parse(text), subject: [{ name: NAME, digest }] }))
}

for (const [what, make, reason] of refused) {
  test(`an image is refused that is signed ${what}`, async () => {
    const { repository, ...how } = await make()
    const { judgement, reasons } = await judge(repository, how)
    assert.notDeepEqual(reasons, [], 'it was taken')
    assert.match(words(judgement, reasons), reason)
  })
}

for (const place of ['att', 'referrer'] as const) {
  test(`a statement is refused that is called by another type than it has: ${place}`, async () => {
    const repository = await signedRepository()
    const [, statement] = repository.referring.get(index.digest)!
    repository.referring.set(index.digest, place === 'referrer' ? [statement!] : [])
    const key = place === 'att' ? 'predicateType' : 'dev.sigstore.bundle.predicateType'
    repository.edit(index.digest, place, (manifest) => {
      const { annotations } = place === 'att' ? manifest.layers[0]! : manifest
      annotations[key] = 'https://slsa.dev/provenance/v1'
    })
    const { judgement } = await judge(repository)
    assert.match(
      words(judgement, []),
      /it is called https:\/\/slsa\.dev\/provenance\/v1, but what is signed is https:\/\/example/,
    )
    assert.ok(judgement.statements.every(({ statement: { predicateType } }) => predicateType === TYPE))
  })
}

const unreadable: readonly [string, (repository: HostileRepository) => unknown, RegExp][] = [
  [
    'a referrer with two layers',
    (repository) => repository.edit(index.digest, 'referrer', ({ layers }) => layers.push(layers[0]!)),
    /want one layer, it has 2/,
  ],
  [
    'a referrer without layers',
    (repository) =>
      repository.edit(index.digest, 'referrer', (manifest) => {
        manifest.layers = []
      }),
    /want one layer|layers/,
  ],
  [
    'a signature of another media type',
    (repository) =>
      repository.edit(index.digest, 'sig', ({ layers }) => {
        layers[0]!.mediaType = ENVELOPE_TYPE
      }),
    /want application\/vnd\.dev\.cosign\.simplesigning/,
  ],
  [
    'a statement of another media type',
    (repository) =>
      repository.edit(index.digest, 'att', ({ layers }) => {
        layers[0]!.mediaType = 'text/plain'
      }),
    /it is text\/plain, want/,
  ],
  [
    'a referrer of 1 GB',
    (repository) =>
      repository.edit(index.digest, 'referrer', ({ layers }) => {
        layers[0]!.size = 2 ** 30
      }),
    /has 1073741824 bytes, more than anybody attaches/,
  ],
  [
    'a statement of 1 GB',
    (repository) =>
      repository.edit(index.digest, 'att', ({ layers }) => {
        layers[0]!.size = 2 ** 30
      }),
    /more than anybody attaches/,
  ],
  [
    'a list of statements without end',
    (repository) =>
      repository.edit(index.digest, 'att', ({ layers }) =>
        layers.push(...Array.from({ length: 1000 }, () => layers[0]!)),
      ),
    /has 1001 layers, more than anybody attaches/,
  ],
  [
    'statements that are too much all together',
    (repository) =>
      repository.edit(index.digest, 'att', ({ layers }) => {
        repository.contents.set(digestOf(Buffer.alloc(60 * 2 ** 20)), () => chunks(Buffer.alloc(60 * 2 ** 20)))
        layers.push(
          ...Array.from({ length: 9 }, () => ({
            ...layers[0]!,
            digest: digestOf(Buffer.alloc(60 * 2 ** 20)),
            size: 60 * 2 ** 20,
          })),
        )
      }),
    /all together/,
  ],
  [
    'other bytes than a statement\u2019s digest says',
    (repository) => {
      for (const digest of repository.contents.keys()) repository.contents.set(digest, () => chunks(Buffer.from('{}')))
    },
    /digest|bytes/,
  ],
  [
    'bytes without end',
    (repository) => {
      for (const digest of repository.contents.keys()) repository.contents.set(digest, endless)
    },
    /digest|bytes|more/,
  ],
  [
    'another manifest than the referrer\u2019s digest says',
    (repository) => {
      const [{ digest } = stranger] = repository.referring.get(index.digest)!
      repository.manifests.set(digest, Buffer.from('{"schemaVersion":2}'))
    },
    /digest|bytes/,
  ],
]

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(1024)
}

for (const [what, tamper, reason] of unreadable) {
  test(`evidence is not read, and so not believed, of a registry that gives ${what}`, { timeout: 30_000 }, async () => {
    const repository = await signedRepository()
    tamper(repository)
    await assert.rejects(judge(repository), (error) => {
      assert.ok(error instanceof CasemateError, String(error))
      assert.match(error.message, reason)
      return true
    })
  })
}

test('of a referrer of 1 GB nothing is fetched', async () => {
  const repository = await signedRepository()
  repository.manifests.delete(evidenceTag(index.digest, 'sig'))
  repository.manifests.delete(evidenceTag(index.digest, 'att'))
  repository.edit(index.digest, 'referrer', ({ layers }) => {
    layers[0]!.size = 2 ** 30
  })
  repository.opened.length = 0
  await assert.rejects(judge(repository))
  assert.deepEqual(repository.opened, [])
})
