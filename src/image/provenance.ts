import { type Digest, hexOf, type Json } from '#core'
import type { TakenSource } from './io/take-in.ts'
import type { LockedPackage, ObservedSuite } from './lock/lock.ts'
import type { LayerCodec } from './member.ts'
import { imagePurl } from './taken/taken-origin.ts'

/** The build type that docs/provenance.md describes. */
export const BUILD_TYPE = 'https://casemate.dev/build/v1'

/** One platform's image, as its build knows it. */
export interface ProvenPlatform {
  readonly platform: string
  readonly packages: readonly LockedPackage[]
  /** What was taken in from elsewhere. */
  readonly taken: readonly TakenSource[]
  /** Lowest first: as stored, and what each holds. */
  readonly layers: readonly { readonly digest: Digest; readonly diffId: Digest; readonly packages: readonly string[] }[]
}

/** What provenance is made from. */
export interface ProvenanceInput {
  readonly image: string
  readonly variant: string
  readonly codec: LayerCodec
  readonly format: number
  readonly platforms: readonly ProvenPlatform[]
  /** Definition files and the lock, by name. */
  readonly files: ReadonlyMap<string, Digest>
  readonly observed: readonly ObservedSuite[]
  /** The program that built it: its version, and a digest over all of its files. */
  readonly program: { readonly version: string; readonly digest: Digest }
}

/**
 * SLSA provenance v1 of an image: the same for the same image, definition, lock and version of Casemate, whenever and wherever
 * it was built. Every .deb, with its source package and the layers that hold it, the definition's files, the lock, the state
 * of every suite, and the program itself are resolved dependencies with digests.
 */
export function provenanceOf(input: ProvenanceInput): Json {
  const { image, variant, codec, format, platforms, files, observed, program } = input
  const casemate = {
    name: 'casemate',
    uri: `pkg:npm/casemate@${program.version}`,
    digest: sha256(program.digest),
  }
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: { image, variant, platforms: platforms.map(({ platform }) => platform) },
      internalParameters: { format, codec },
      resolvedDependencies: [
        casemate,
        ...[...files].map(([name, digest]) => ({ name, digest: sha256(digest) })),
        ...observed.map(suiteDependency),
        ...takenDependencies(platforms),
        ...packageDependencies(platforms),
      ],
    },
    runDetails: {
      builder: { id: 'https://casemate.dev/builder/v1', version: { casemate: program.version } },
      byproducts: platforms.flatMap(({ platform, layers }) =>
        layers.map(({ digest, diffId, packages }) => ({
          name: `layer of ${platform}`,
          digest: sha256(digest),
          annotations: { diffId, packages: [...packages] },
        })),
      ),
    },
  }
}

function suiteDependency({
  archive,
  suite,
  codename,
  suiteField,
  date,
  inRelease,
  signers,
  expired,
}: ObservedSuite): Json {
  return {
    name: `${archive}/${suite} InRelease`,
    digest: sha256(inRelease),
    annotations: { codename, suite: suiteField, date, signers: [...signers], expired },
  }
}

/** What was taken in from elsewhere, each thing once for every place that it stands at. */
function takenDependencies(platforms: readonly ProvenPlatform[]): Json[] {
  const found = new Map<string, Json>()
  for (const { at, digest, kind, manifest, from, path } of platforms.flatMap(({ taken }) => taken)) {
    const uri = kind === 'image' ? imagePurl(at, digest) : at
    found.set(`${path} ${digest} ${manifest ?? ''}`, {
      name: path,
      ...(uri === undefined ? {} : { uri }),
      digest: sha256(digest),
      annotations: {
        kind,
        ...(from === '' ? {} : { from }),
        ...(manifest === undefined || manifest === digest ? {} : { manifest }),
      },
    })
  }
  return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, dependency]) => dependency)
}

/** Every .deb once, though several platforms hold those of every architecture, in the order of name, then architecture. */
function packageDependencies(platforms: readonly ProvenPlatform[]): Json[] {
  const found = new Map<Digest, { one: LockedPackage; layers: Set<string> }>()
  for (const { packages, layers } of platforms) {
    for (const one of packages) {
      const known = found.get(one.digest) ?? { one, layers: new Set<string>() }
      const key = `${one.name}:${one.architecture}`
      for (const layer of layers) if (layer.packages.includes(key)) known.layers.add(layer.digest)
      found.set(one.digest, known)
    }
  }
  return [...found.values()].map(({ one, layers }) => ({
    name: one.filename.slice(one.filename.lastIndexOf('/') + 1),
    uri: `pkg:deb/debian/${encodeURIComponent(one.name)}@${encodeURIComponent(one.version)}?arch=${one.architecture}`,
    digest: sha256(one.digest),
    annotations: {
      archive: one.archive,
      suite: one.suite,
      path: one.filename,
      source: `${one.source.name} ${one.source.version}`,
      layers: [...layers],
    },
  }))
}

function sha256(digest: Digest): Json {
  return { sha256: hexOf(digest) }
}
