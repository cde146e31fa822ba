import { runOrThrow } from './command.ts'
import type { ScannerDatabases } from './peer-databases.ts'
import { peer } from './peers.ts'

/** What a scanner is asked: an image, and OpenVEX documents to heed. */
export interface Question {
  /** A layout as `plainLayout` has made it, or, with `http://`, an image in a registry on this machine. */
  readonly image: string
  readonly vex?: readonly string[]
}

/** A finding as a scanner has it. */
export interface PeerFinding {
  /** Of the binary package. */
  readonly name: string
  readonly version: string
  /** As the scanner itself writes it. */
  readonly purl: string
  readonly issue: string
  /** The scanner's word for whether there is a fix. */
  readonly state: string
  readonly fixedIn: string | undefined
}

/**
 * Copies an image out of a layout, where it is tagged `image`, into one beside it whose index names its manifest, and gives
 * that one's folder: syft and grype do not follow an index in an index, in a layout.
 */
export async function plainLayout(layout: string): Promise<string> {
  await runOrThrow([
    'skopeo',
    'copy',
    '--quiet',
    '--preserve-digests',
    `oci:${layout}:image`,
    `oci:${layout}-plain:image`,
  ])
  return `${layout}-plain`
}

interface SyftDocument {
  readonly artifacts: readonly {
    readonly type: string
    readonly name: string
    readonly version: string
    readonly metadata?: { readonly architecture?: string }
  }[]
}

/** The Debian packages that syft sees, and how many components of other kinds. */
export async function packagesBySyft({ image }: Question) {
  const command = [await peer('syft'), 'scan', `oci-dir:${image}`, '--quiet', '--output', 'json']
  const { artifacts }: SyftDocument = JSON.parse(
    await runOrThrow(command, { env: { SYFT_CHECK_FOR_APP_UPDATE: 'false' } }),
  )
  const debs = artifacts.filter(({ type }) => type === 'deb')
  const packages = debs.map((one) => `${one.name} ${one.version} ${one.metadata?.architecture}`).sort()
  return { packages, others: artifacts.length - debs.length }
}

interface CycloneDxDocument {
  readonly components?: readonly { readonly purl?: string; readonly version?: string }[]
}

/** The Debian packages that grype sees: it lists all of them in CycloneDX only. */
export async function packagesByGrype({ image }: Question, { grype }: ScannerDatabases) {
  const command = [await peer('grype'), `oci-dir:${image}`, '--quiet', '--output', 'cyclonedx-json']
  const { components = [] }: CycloneDxDocument = JSON.parse(await runOrThrow(command, { env: grype }))
  const debs = components.filter(({ purl }) => purl?.startsWith('pkg:deb/'))
  const packages = debs.map(({ purl = '', version }) => {
    const [, name = '', query = ''] = /^pkg:deb\/[^/]+\/([^@]+)@[^?]+\?(.*)$/.exec(purl) ?? []
    return `${decodeURIComponent(name)} ${version} ${new URLSearchParams(query).get('arch')}`
  })
  return { packages: packages.sort(), others: components.filter(({ purl }) => purl !== undefined).length - debs.length }
}

interface TrivyPackage {
  readonly Name: string
  readonly Version: string
  readonly Release?: string
  readonly Epoch?: number
  readonly Arch?: string
}

interface TrivyDocument {
  readonly Results?: readonly {
    readonly Type?: string
    readonly Packages?: readonly TrivyPackage[]
    readonly Vulnerabilities?: readonly {
      readonly VulnerabilityID: string
      readonly PkgName: string
      readonly InstalledVersion: string
      readonly FixedVersion?: string
      readonly Status?: string
      readonly PkgIdentifier?: { readonly PURL?: string }
    }[]
  }[]
}

async function trivy({ image, vex = [] }: Question, databases: ScannerDatabases): Promise<TrivyDocument> {
  const offline = [
    '--skip-db-update',
    '--skip-java-db-update',
    '--skip-version-check',
    '--offline-scan',
    '--skip-vex-repo-update',
  ]
  const shape = ['--quiet', '--scanners', 'vuln', '--list-all-pkgs', '--format', 'json', '--no-progress']
  // Java archives are looked up in a database of sums that cannot be made here, and trivy does not go on without it.
  const skipped = ['--skip-files', '**/*.jar', '--skip-files', '**/*.war', '--skip-files', '**/*.ear']
  const heeded = vex.flatMap((file) => ['--vex', file])
  const command = [await peer('trivy'), '--cache-dir', databases.trivy, 'image']
  const remote = inRegistry(image)
  const target = remote === undefined ? ['--input', image] : ['--insecure', remote]
  const options = [...offline, ...shape, ...skipped, ...heeded, ...target]
  return JSON.parse(await runOrThrow([...command, ...options], { env: { TRIVY_NON_SSL: 'true' } }))
}

/** The Debian packages that trivy sees, and how many of other kinds, but for Java archives. */
export async function packagesByTrivy(question: Question, databases: ScannerDatabases) {
  const { Results = [] } = await trivy(question, databases)
  const isDebian = ({ Type }: { Type?: string }) => Type === 'debian'
  const packages = Results.filter(isDebian).flatMap(({ Packages = [] }) =>
    Packages.map((one) => `${one.Name} ${trivyVersion(one)} ${one.Arch}`),
  )
  const others = Results.filter((one) => !isDebian(one)).flatMap(({ Packages = [] }) => Packages)
  return { packages: packages.sort(), others: others.length }
}

function trivyVersion({ Epoch, Version, Release }: TrivyPackage): string {
  return `${Epoch ? `${Epoch}:` : ''}${Version}${Release ? `-${Release}` : ''}`
}

/** The findings of trivy in Debian packages. */
export async function findingsByTrivy(
  question: Question,
  databases: ScannerDatabases,
): Promise<readonly PeerFinding[]> {
  const { Results = [] } = await trivy(question, databases)
  return Results.filter(({ Type }) => Type === 'debian').flatMap(({ Vulnerabilities = [] }) =>
    Vulnerabilities.map((one) => ({
      name: one.PkgName,
      version: one.InstalledVersion,
      purl: one.PkgIdentifier?.PURL ?? '',
      issue: one.VulnerabilityID,
      state: one.Status ?? '',
      fixedIn: one.FixedVersion || undefined,
    })),
  )
}

interface GrypeDocument {
  readonly matches: readonly {
    readonly artifact: { readonly name: string; readonly version: string; readonly purl: string; readonly type: string }
    readonly vulnerability: {
      readonly id: string
      readonly fix: { readonly state: string; readonly versions?: readonly string[] }
    }
  }[]
}

/** The findings of grype in Debian packages. */
export async function findingsByGrype(
  { image, vex = [] }: Question,
  { grype }: ScannerDatabases,
): Promise<readonly PeerFinding[]> {
  const heeded = vex.flatMap((file) => ['--vex', file])
  const remote = inRegistry(image)
  const target = remote === undefined ? `oci-dir:${image}` : `registry:${remote}`
  const command = [await peer('grype'), target, '--quiet', '--output', 'json', ...heeded]
  const env = { ...grype, GRYPE_REGISTRY_INSECURE_USE_HTTP: 'true' }
  const { matches }: GrypeDocument = JSON.parse(await runOrThrow(command, { env }))
  return matches
    .filter(({ artifact }) => artifact.type === 'deb')
    .map(({ artifact, vulnerability }) => ({
      name: artifact.name,
      version: artifact.version,
      purl: artifact.purl,
      issue: vulnerability.id,
      state: vulnerability.fix.state,
      fixedIn: vulnerability.fix.versions?.[0],
    }))
}

/** `HOST/REPOSITORY:TAG`, or `undefined` for a layout. */
function inRegistry(image: string): string | undefined {
  return image.startsWith('http://') ? image.slice('http://'.length) : undefined
}
