import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOrThrow, runShell } from './command.ts'
import { bytesAt } from './staged-mirror.ts'

/** A stanza of a Packages file, as far as it is wanted here. */
export interface Offered {
  readonly name: string
  readonly version: string
  readonly source: string
  readonly sourceVersion: string
  readonly path: string
}

/** What is offered of each package for amd64, by name. */
export type OfferedPackages = ReadonlyMap<string, readonly Offered[]>

/** What dpkg's database of an image says is installed: version by name. */
export type Installed = ReadonlyMap<string, string>

/** A package that an image has, with what an archive has that is newer. */
export interface Behind {
  readonly name: string
  readonly from: string
  readonly to: Offered
}

const SUITES: readonly (readonly [mirror: string, suite: string])[] = [
  ['debian', 'trixie'],
  ['debian', 'trixie-updates'],
  ['debian-security', 'trixie-security'],
]

/** Reads what a mirror offers at this moment, by nothing of the product's own: curl's like, xz, and a regular expression. */
export async function readOffered(mirror: string): Promise<OfferedPackages> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-packages-'))
  const found = new Map<string, Offered[]>()
  try {
    for (const [kind, suite] of SUITES) {
      const root = `${mirror}/${kind}/dists/${suite}`
      const release = (await bytesAt(`${root}/InRelease`)).toString('latin1')
      const listed = (name: string) =>
        new RegExp(`^SHA256:\\n(?: .*\\n)*? ([0-9a-f]{64}) +[0-9]+ main/binary-amd64/${name}$`, 'm').exec(release)?.[1]
      const [name, program] = listed('Packages.xz') === undefined ? ['Packages.gz', 'gzip'] : ['Packages.xz', 'xz']
      const packed = join(folder, `${suite}.${program}`)
      writeFileSync(packed, await bytesAt(`${root}/main/binary-amd64/by-hash/SHA256/${listed(name)}`))
      await runShell('echo "$2  $1" | sha256sum --check --quiet', packed, listed(name) ?? '')
      const text = await runShell(`${program} -dc < "$1"`, packed)
      for (const stanza of text.split('\n\n')) {
        const one = offeredIn(stanza, kind)
        if (one !== undefined) found.set(one.name, [...(found.get(one.name) ?? []), one])
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return found
}

function offeredIn(stanza: string, kind: string): Offered | undefined {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]
  const [name, version, path] = [field('Package'), field('Version'), field('Filename')]
  if (name === undefined || version === undefined || path === undefined) return undefined
  const [, source = name, sourceVersion = version] = /^(\S+)(?: \((\S+)\))?$/.exec(field('Source') ?? '') ?? []
  return { name, version, source, sourceVersion, path: `${kind}/${path}` }
}

/** Reads the dpkg database out of an image in a registry that anybody may read, by tar and dpkg-query. */
export async function installedIn(address: string, image: string, digest: string): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-status-'))
  try {
    const index = await manifestAt(address, image, digest)
    const manifest = await manifestAt(address, image, index.manifests?.[0]?.digest ?? '')
    for (const { digest: layer } of manifest.layers?.toReversed() ?? []) {
      const packed = join(folder, 'layer')
      writeFileSync(packed, await bytesAt(`http://${address}/v2/${image}/blobs/${layer}`))
      const status = await runShell('tar -xzOf "$1" --wildcards "*var/lib/dpkg/status" 2> /dev/null || true', packed)
      if (status === '') continue
      writeFileSync(join(folder, 'status'), status)
      const list = await runOrThrow(['dpkg-query', `--admindir=${folder}`, '-W', '-f', '${Package} ${Version}\\n'])
      const lines = list
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
      return new Map(lines.map(([name = '', version = '']) => [name, version]))
    }
    throw new Error(`cannot read what ${image} has: no layer has a dpkg database`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface ManifestOrIndex {
  readonly manifests?: readonly { readonly digest: string }[]
  readonly layers?: readonly { readonly digest: string }[]
}

async function manifestAt(address: string, image: string, digest: string): Promise<ManifestOrIndex> {
  const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
  const answer = await fetch(`http://${address}/v2/${image}/manifests/${digest}`, { headers: { accept } })
  if (!answer.ok) throw new Error(`cannot read ${image}@${digest}: status ${answer.status}`)
  return JSON.parse(await answer.text())
}

/** The order of versions by dpkg itself. */
export class DpkgOrder {
  readonly #known = new Map<string, boolean>()

  async isNewer(version: string, than: string): Promise<boolean> {
    if (version === than) return false
    const key = `${version} ${than}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const said = await runShell('dpkg --compare-versions "$1" gt "$2" && echo yes || echo no', version, than)
    this.#known.set(key, said === 'yes\n')
    return said === 'yes\n'
  }

  /** What is installed and older than the newest that is offered, with that. */
  async behind(installed: Installed, offered: OfferedPackages): Promise<readonly Behind[]> {
    const found: Behind[] = []
    for (const [name, from] of installed) {
      let newest: Offered | undefined
      for (const one of offered.get(name) ?? []) {
        if (await this.isNewer(one.version, newest?.version ?? from)) newest = one
      }
      if (newest !== undefined) found.push({ name, from, to: newest })
    }
    return found
  }
}
