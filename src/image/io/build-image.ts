import { canonicalJson, digestOf } from '#core'
import type { Archive } from '#debian'
import { composeImage, debianArchitectureOf, type PlatformImage, parsePlatform, type SegmentedBlob } from '#oci'
import { aptSources } from '../apt-sources.ts'
import { contractFile } from '../contract-file.ts'
import type { EffectiveDefinition } from '../definition/definition.ts'
import type { FileContents } from '../definition/load-definition.ts'
import type { DefinitionFile } from '../definition/resolve-definition.ts'
import { expandTags } from '../definition/tags.ts'
import { definitionPaths } from '../definition-paths.ts'
import type { DerivedRunner } from '../derived/derived-runner.ts'
import { ImageError } from '../errors.ts'
import { type BaseImage, findUser, imageAnnotations, imageConfig, type RunAs } from '../execution.ts'
import { imageInputs } from '../lock/image-inputs.ts'
import { type DerivedResult, type Lock, type LockedPackage, layersOf, packagesOf } from '../lock/lock.ts'
import type { LayerCodec } from '../member.ts'
import { overlayPaths } from '../overlay/overlay-paths.ts'
import { overlayChecks } from '../overlay/result-conflicts.ts'
import { type StackSides, stackSides } from '../overlay/stack-sides.ts'
import { type Assembly, assemble, type FetchDebs } from './assemble.ts'
import { namesImage } from './base-recipe.ts'
import { derive } from './derive.ts'
import type { HostXz } from './host-xz.ts'
import type { LayerWorkshop } from './layers.ts'
import { type PlatformFiles, programRoot } from './program-root.ts'
import type { TakeIn, TakenSource } from './take-in.ts'

/** One image to build: a variant of a definition on a platform, with its lock. */
export interface ImageInput {
  readonly definition: EffectiveDefinition
  readonly contents: FileContents
  /** The definition's files, for the places that messages on an overlay name. */
  readonly chain?: readonly DefinitionFile[]
  readonly lock: Lock
  /** OCI platform as the lock names it. */
  readonly platform: string
  readonly release: { readonly version: string; readonly codename: string }
  /** The archive whose release that is. */
  readonly archive: Archive
  /** An image's contract, made when its user is known: as a document, and as labels beside the definition's own. */
  contract(definition: EffectiveDefinition, user: RunAs): WrittenContract
  /** See `AssemblyInput`. */
  readonly fetch: FetchDebs
  /** Takes in what the definition asks for of elsewhere. */
  readonly takeIn: TakeIn
  onMember?(name: string, cached: boolean): void
  /** Runs the programs of derived effects whose results are not at hand. */
  readonly runner?: DerivedRunner
  /** See `AssemblyInput`. */
  readonly hostXz?: boolean
  onHostXz?(xz: HostXz): void
}

/** What an image promises, in the two forms in which it carries that. */
export interface WrittenContract {
  readonly document: string
  readonly labels: Readonly<Record<string, string>>
}

/** An image with everything that was learnt on the way. */
export interface BuiltImage {
  readonly image: PlatformImage
  /** Where the layers' bytes stand. */
  readonly blobs: readonly SegmentedBlob[]
  readonly assembly: Assembly
  /** What derived effects gave, as a lock holds it. */
  readonly derived: readonly DerivedResult[]
  readonly packages: readonly LockedPackage[]
  /** What an overlay stacks on, as it was built for it. */
  readonly base?: BuiltImage
  /** What was taken in from elsewhere. */
  readonly taken: readonly TakenSource[]
  readonly user: RunAs
  /** As OCI's `ExposedPorts`. */
  readonly ports: readonly string[]
  /** Without repository: `3.13`, `3.13-debian13`. */
  readonly tags: readonly string[]
}

/**
 * Builds one image, an overlay with what it stacks on. Its digest is a function of the effective definition, the packages'
 * digests, the platform and the format alone. Throws as `assemble` and `derive` do, `LOCK_INVALID` for a lock without the platform or variant, and
 * `DEFINITION_INVALID` for a user the image does not have.
 */
export async function buildImage(input: ImageInput, workshop: LayerWorkshop): Promise<BuiltImage> {
  const { definition, lock, platform, runner } = input
  const { below, above } = splitMembers(input)
  const base = below === undefined ? undefined : await buildBase(below, workshop)
  const own = await platformFiles(above, platform, workshop, base?.assembly)
  if (own === undefined) {
    throw new ImageError(
      'LOCK_INVALID',
      `cannot build ${definition.image}: its lock has no ${definition.variant} for ${platform}`,
    )
  }
  let native: Promise<PlatformFiles | undefined> | undefined
  const { assembly, results } = await derive(
    {
      effects: definition.derived,
      locales: definition.locales,
      variant: definition.variant,
      platform,
      assembly: own.assembly,
      base: base?.assembly.layers,
      locked: (lock.platforms[platform]?.derived ?? []).filter(({ variant }) => variant === definition.variant),
      runner,
      async rootFor(programs) {
        if (runner !== undefined && runner.platform !== platform)
          native ??= filesFromGround({ ...input, onMember() {} }, runner.platform, workshop)
        return programRoot(programs, own, await native, workshop.codec)
      },
    },
    workshop,
  )
  const stands = base === undefined ? undefined : baseImageOf(base, definition.base?.image ?? '', lock.base?.from)
  const parts = { assembly, packages: own.packages, base: stands }
  const built = { ...compose(input, parts, workshop.codec), derived: results, taken: own.taken }
  return base === undefined ? built : { ...built, base }
}

/** Builds what an overlay stacks on, or takes what was built for another one from the same inputs. */
async function buildBase(input: ImageInput, workshop: LayerWorkshop): Promise<BuiltImage> {
  const build = () => buildImage(input, workshop)
  if (workshop.bases === undefined) return await build()
  const inputs = [imageInputs(input.definition, input.lock, input.platform), input.lock.base?.from ?? null]
  return await workshop.bases.provide(digestOf(canonicalJson(inputs)), build)
}

/** The base of an overlay as an image to build. Throws `LOCK_INVALID` for a lock without it. */
function baseInputOf(input: ImageInput): ImageInput | undefined {
  const { definition, lock } = input
  if (definition.base === undefined) return undefined
  if (lock.base !== undefined) return { ...input, definition: definition.base, lock: lock.base.lock }
  const reason = `its lock does not have its base ${definition.base.image}`
  throw new ImageError('LOCK_INVALID', `cannot build ${definition.image}: ${reason}`)
}

/** A package that the base and the overlay share is told once: as made where the base had to make it. */
function splitMembers(input: ImageInput): { readonly below: ImageInput | undefined; readonly above: ImageInput } {
  const base = baseInputOf(input)
  if (base === undefined) return { below: undefined, above: input }
  const made = new Set<string>()
  const below = (name: string, cached: boolean) => {
    if (cached) return
    made.add(name)
    input.onMember?.(name, cached)
  }
  const above = (name: string, cached: boolean) => {
    if (!cached || !made.has(name)) input.onMember?.(name, cached)
  }
  return { below: { ...base, onMember: below }, above: { ...input, onMember: above } }
}

/** What an overlay says that it stands on. */
function baseImageOf({ image, tags }: BuiltImage, name: string, from = ''): BaseImage {
  const { digest } = image.manifest.descriptor
  if (namesImage(from) && !from.startsWith('oci:')) return { name: from.replace(/^docker:\/\//, ''), digest }
  const [version] = tags
  return { name: version === undefined ? name : `${name}:${version}`, digest }
}

/** The image without any derived effects, its base's among them. */
async function filesFromGround(
  input: ImageInput,
  platform: string,
  workshop: LayerWorkshop,
): Promise<PlatformFiles | undefined> {
  const base = baseInputOf(input)
  const below = base === undefined ? undefined : await filesFromGround(base, platform, workshop)
  return platformFiles(input, platform, workshop, below?.assembly)
}

/** The image without its own derived effects; `undefined` when its lock does not have the platform. */
async function platformFiles(
  input: ImageInput,
  platform: string,
  workshop: LayerWorkshop,
  base: Assembly | undefined,
): Promise<PlatformFiles | undefined> {
  const { definition, lock } = input
  const packages = packagesOf(lock, platform, definition.variant)
  if (packages.length === 0) return undefined
  const { paths, contents, sources: taken } = await input.takeIn(definition.paths, input.contents, platform)
  const sides = await sidesOf(input, platform, base)
  const assembly = await assemble(
    {
      packages,
      layers: layersOf(lock, platform, definition.variant),
      format: lock.format,
      keep: definition.keep,
      own: [
        aptSources(input.archive),
        ...(sides === undefined
          ? [definitionPaths(paths, contents)]
          : [overlayPaths(paths, contents, sides), overlayChecks(sides)]),
        contractFile(definition.contract.runAs, (user) => input.contract(definition, user).document),
      ],
      architecture: debianArchitectureOf(parsePlatform(platform)),
      release: input.release,
      accounts: definition.users,
      groups: definition.groups,
      timeZone: definition.timeZone,
      keystore: definition.keystore,
      certificates: definition.certificates,
      base,
      sides,
      fetch: input.fetch,
      ...(input.onMember === undefined ? {} : { onMember: input.onMember }),
      ...(input.hostXz === undefined ? {} : { hostXz: input.hostXz }),
      ...(input.onHostXz === undefined ? {} : { onHostXz: input.onHostXz }),
    },
    workshop,
  )
  return { platform, assembly, packages, taken }
}

async function sidesOf(
  { definition, lock, contents, takeIn, chain = [] }: ImageInput,
  platform: string,
  assembly: Assembly | undefined,
): Promise<StackSides | undefined> {
  const { base, variant } = definition
  if (base === undefined || assembly === undefined || lock.base === undefined) return undefined
  const packages = packagesOf(lock, platform, variant)
  const basePackages = packagesOf(lock.base.lock, platform, variant)
  const { paths: basePaths } = await takeIn(base.paths, contents, platform)
  return stackSides({ overlay: definition, base, basePaths, assembly, packages, basePackages, chain })
}

interface ComposedParts {
  readonly assembly: Assembly
  readonly packages: readonly LockedPackage[]
  readonly base: BaseImage | undefined
}

function compose(
  input: ImageInput,
  { assembly, packages, base }: ComposedParts,
  codec: LayerCodec,
): Omit<BuiltImage, 'derived' | 'taken'> {
  const { definition } = input
  const user = findUser(definition.contract.runAs, passwdOf(assembly))
  const tags = expandTags(definition.tags, { name: definition.image, variant: definition.variant }, packages)
  const version = tags[0] ?? ''
  const facts = {
    platform: parsePlatform(input.platform),
    user,
    epoch: assembly.epoch,
    version,
    layers: assembly.layers,
    labels: input.contract(definition, user).labels,
    base,
  }
  const mediaType = `application/vnd.oci.image.layer.v1.tar+${codec}`
  const layers = assembly.layers.map(({ digest, diffId, size }) => ({
    descriptor: { mediaType, digest, size },
    diffId,
  }))
  const image = composeImage({
    config: imageConfig(definition, facts),
    layers,
    annotations: imageAnnotations(definition, facts),
  })
  const blobs = assembly.layers.map(({ segments }, number) => ({
    descriptor: layers[number]?.descriptor ?? image.config.descriptor,
    segments: segments.map(({ path }) => ({ path })),
  }))
  return { image, blobs, assembly, packages, user, ports: definition.contract.ports, tags }
}

/** /etc/passwd as an effect wrote it; every image has one. */
function passwdOf({ changes }: Assembly): string {
  const written = changes.find(({ path }) => path === '/etc/passwd')?.content
  return written === undefined ? '' : Buffer.from(written).toString('utf8')
}
