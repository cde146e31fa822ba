import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { generateKey, type PrivateKey } from 'openpgp'
import { type Digest, digestOf, hexOf } from '#core'
import type { OpenArchiveOptions } from '#debian'
import { buildDeb, controlOf, type DebSpec, runXz } from './deb.ts'
import { type TestMirror, testMirror } from './mirror.ts'
import { clearsign } from './sign.ts'

/** A package for a test archive: a spec to build it from, or its bytes with the control paragraph it claims. */
export type TestDeb = DebSpec | { readonly bytes: Uint8Array; readonly control: string }

/** What a test archive is. Everything has a default: suite `trixie` of `Test` for amd64 with one component. */
export interface TestArchiveOptions {
  /** Of the archive file; `test-1` unless given. */
  readonly name?: string
  readonly suite?: string
  readonly codename?: string
  readonly origin?: string
  readonly label?: string
  readonly component?: string
  readonly architectures?: readonly string[]
  readonly debs?: readonly TestDeb[]
  /** Further lines of the archive file's suite, e.g. `['loud-after-hours: 72']`. */
  readonly suiteLines?: readonly string[]
  /** Lines of the archive file, e.g. `['merged-usr: shipped']`. */
  readonly archiveLines?: readonly string[]
  /** The snapshot service's base URL. */
  readonly snapshot?: string
}

/** One state of the archive, as `publish` writes it: the knobs for attacks. */
export interface TestPublication {
  /** One hour ago unless given. */
  readonly date?: Date
  readonly validUntil?: Date
  /** Fields of the Release file that are set, or, when `undefined`, left out. */
  readonly fields?: Readonly<Record<string, string | undefined>>
  /** `gz` unless given; `xz` runs the host's `xz`. */
  readonly compression?: 'gz' | 'xz'
  /** `no` publishes no by-hash files and does not announce them. */
  readonly byHash?: boolean
  /** The keys that sign; the archive's own unless given. */
  readonly signers?: readonly PrivateKey[]
  /** The time of the signature; the Date unless given. */
  readonly signedAt?: Date
  /** Rewrites the text of `Packages` before it is listed. */
  readonly packages?: (text: string) => string
  /** Rewrites the text of the Release file before it is signed. */
  readonly release?: (text: string) => string
  /** Rewrites the signed InRelease file. */
  readonly inRelease?: (text: string) => string
}

/** A signed archive in a temporary folder, served by a mirror on loopback; gone when the test ends. */
export interface TestArchive {
  readonly name: string
  readonly suite: string
  /** The folder that the mirror serves. */
  readonly folder: string
  /** The folder with the archive file and its key. */
  readonly archiveFolder: string
  /** An empty cache of its own. */
  readonly cache: string
  readonly mirror: TestMirror
  readonly key: PrivateKey
  /** Options that open this archive through its mirror, with its cache, fast to give up. */
  readonly options: OpenArchiveOptions
  /** Adds packages and publishes a new state. */
  publish(...debs: readonly TestDeb[]): Promise<void>
  /** Publishes the packages as they are, in another way. */
  republish(publication: TestPublication): Promise<void>
}

type TestContext = { after(stop: () => Promise<void>): void }

/** Makes and publishes a signed archive with a fresh key. */
export async function testArchive(t: TestContext, options: TestArchiveOptions = {}): Promise<TestArchive> {
  const root = await mkdtemp(join(tmpdir(), 'casemate-archive-'))
  t.after(() => rm(root, { recursive: true, force: true, maxRetries: 3 }))
  const writer = new ArchiveWriter(join(root, 'mirror'), await testKey(), options)
  await mkdir(writer.folder, { recursive: true })
  const archiveFolder = join(root, 'archives')
  await writeArchiveFile(archiveFolder, writer, options)
  const mirror = await testMirror(t, writer.folder)
  const cache = join(root, 'cache')
  await writer.publish(options.debs ?? [], {})
  const { name, suite, folder, key } = writer
  return {
    ...{ name, suite, folder, archiveFolder, cache, mirror, key },
    options: {
      archives: [name],
      architecture: 'amd64',
      archiveFolders: [archiveFolder],
      cache,
      mirrors: { [name]: [mirror.url] },
      aptFolder: join(root, 'no-apt'),
      patience: { attempts: 2, backOff: 1, deadline: 5000, slowest: 16_384 },
      httpLimits: { connect: 2000, idle: 2000, redirects: 3 },
    },
    publish: (...debs) => writer.publish(debs, {}),
    republish: (publication) => writer.publish([], publication),
  }
}

/** Makes an OpenPGP key that is a year old; its lifetime in seconds where it has one. */
export async function testKey(lifetime = 0): Promise<PrivateKey> {
  const { privateKey } = await generateKey({
    type: 'curve25519',
    userIDs: [{ name: 'Test Archive', email: 'archive@example.org' }],
    date: new Date(Date.now() - YEAR),
    keyExpirationTime: lifetime,
    subkeys: [],
    format: 'object',
  })
  return privateKey
}

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR

class ArchiveWriter {
  readonly folder: string
  readonly key: PrivateKey
  readonly name: string
  readonly suite: string
  readonly options: TestArchiveOptions
  /** One stanza for each package, by the digest of its file. */
  readonly #stanzas = new Map<Digest, { architecture: string; text: string }>()

  constructor(folder: string, key: PrivateKey, options: TestArchiveOptions) {
    this.folder = folder
    this.key = key
    this.options = options
    this.name = options.name ?? 'test-1'
    this.suite = options.suite ?? 'trixie'
  }

  get component(): string {
    return this.options.component ?? 'main'
  }

  async publish(debs: readonly TestDeb[], publication: TestPublication): Promise<void> {
    for (const deb of debs) await this.#add(deb)
    const files = new Map<string, Uint8Array>()
    for (const architecture of this.options.architectures ?? ['amd64']) {
      const text = [...this.#stanzas.values()]
        .filter((stanza) => stanza.architecture === architecture || stanza.architecture === 'all')
        .map((stanza) => stanza.text)
        .join('\n')
      const bytes = Buffer.from(publication.packages?.(text) ?? text, 'latin1')
      const path = `${this.component}/binary-${architecture}/Packages`
      files.set(path, bytes)
      if (publication.compression === 'xz') files.set(`${path}.xz`, runXz(bytes, ['-1']))
      else files.set(`${path}.gz`, gzipSync(bytes))
    }
    const suiteFolder = join(this.folder, 'dists', this.suite)
    for (const [path, bytes] of files) {
      await write(join(suiteFolder, path), bytes)
      const byHash = join(suiteFolder, dirname(path), 'by-hash/SHA256', hexOf(digestOf(bytes)))
      if (publication.byHash !== false) await write(byHash, bytes)
    }
    await write(join(suiteFolder, 'InRelease'), await this.#inRelease(files, publication))
  }

  async #add(deb: TestDeb): Promise<void> {
    const { bytes, control } = 'bytes' in deb ? deb : { bytes: buildDeb(deb), control: controlOf(deb) }
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(control)?.[1] ?? ''
    const file = `${field('Package')}_${field('Version').replace(/^\d+:/, '')}_${field('Architecture')}.deb`
    const path = `pool/${this.component}/${field('Package')}/${file}`
    await write(join(this.folder, path), bytes)
    const digest = digestOf(bytes)
    const text = `${control}Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${hexOf(digest)}\n`
    this.#stanzas.set(digest, { architecture: field('Architecture'), text })
  }

  async #inRelease(files: ReadonlyMap<string, Uint8Array>, publication: TestPublication): Promise<string> {
    const date = publication.date ?? new Date(Date.now() - HOUR)
    const text = releaseText(this, files, { ...publication, date })
    const signed = await clearsign(
      publication.release?.(text) ?? text,
      publication.signers ?? [this.key],
      publication.signedAt ?? date,
    )
    return publication.inRelease?.(signed) ?? signed
  }
}

function releaseText(
  { options, suite, component }: ArchiveWriter,
  files: ReadonlyMap<string, Uint8Array>,
  publication: TestPublication & { readonly date: Date },
): string {
  const sums = [...files].map(([path, bytes]) => ` ${hexOf(digestOf(bytes))} ${bytes.length} ${path}`)
  const fields: Record<string, string | undefined> = {
    Origin: options.origin ?? 'Test',
    Label: options.label ?? 'Test',
    Suite: 'stable',
    Codename: options.codename ?? suite,
    Date: publication.date.toUTCString().replace('GMT', 'UTC'),
    'Valid-Until': publication.validUntil?.toUTCString().replace('GMT', 'UTC'),
    'Acquire-By-Hash': publication.byHash === false ? undefined : 'yes',
    Architectures: (options.architectures ?? ['amd64']).join(' '),
    Components: component,
    SHA256: `\n${sums.join('\n')}`,
    ...publication.fields,
  }
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\n`.replace(': \n', ':\n'))
    .join('')
}

async function writeArchiveFile(folder: string, writer: ArchiveWriter, options: TestArchiveOptions): Promise<void> {
  const { name, suite, component, key } = writer
  const lines = [
    `archive: ${name}`,
    `description: a test archive`,
    ...(options.archiveLines ?? []),
    `keys: { own: { file: keys/${name}.asc, fingerprint: ${key.getFingerprint().toUpperCase()} } }`,
    `mirrors: { ${name}: { ${options.snapshot === undefined ? '' : `snapshot: "${options.snapshot}"`} } }`,
    'suites:',
    `  - suite: ${suite}`,
    `    mirror: ${name}`,
    `    components: [${component}]`,
    `    identity: { origin: ${options.origin ?? 'Test'}, label: ${options.label ?? 'Test'}, codename: ${options.codename ?? suite} }`,
    '    signed-by: [own]',
    ...(options.suiteLines ?? []).map((line) => `    ${line}`),
  ]
  await write(join(folder, 'keys', `${name}.asc`), key.toPublic().armor())
  await write(join(folder, `${name}.yaml`), `${lines.join('\n')}\n`)
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
