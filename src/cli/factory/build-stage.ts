import { canonicalJson, type Digest, digestOf, type Json } from '#core'
import type { PreparedStage, StageWork } from '#factory'
import { type BuiltImage, imageInputs, type Lock, type OpenedDefinition } from '#image'
import {
  composeIndex,
  formatPlatform,
  type ImageFiles,
  parseReference,
  type RegistryReference,
  segmentBlobs,
} from '#oci'
import { declaredContract, formatContract, type KnownImage, parseImageConfig } from '#sandbox'
import { variantOf } from '../build.ts'
import { type BuildOrder, buildPlatformsIn } from '../build-platforms.ts'
import { openScripts } from '../open-scripts.ts'
import { placeOf } from '../place.ts'
import { attachEverything, type Publication } from '../publish.ts'
import { signingNow } from '../signatory.ts'
import { Stages } from '../stages.ts'
import type { Terminal } from '../terminal.ts'
import { packageVersion } from '../version.ts'
import { lockDigest, lockOf } from './lock-stage.ts'
import { type BuildOutput, type BuiltVariant, buildOutput, lockOutput } from './stage-outputs.ts'
import { StagedRepository } from './staged-repository.ts'
import { type FactoryTools, openedOn, platformsOf, repositoryOf, terminalOf, variantsOf } from './tools.ts'

/**
 * The stage `build`: every variant is built and pushed with all its evidence, signed, by its digest alone: nothing names it yet. With the
 * same inputs of the images it is the same, whatever was observed of archives meanwhile.
 */
export async function prepareBuild(tools: FactoryTools, { run, image, outputs }: StageWork): Promise<PreparedStage> {
  const { opened } = await openedOn(tools, image, { run, base: lockOutput(outputs).base })
  const lock = lockOf(outputs, image)
  const variants = variantsOf(opened, tools.options)
  const platforms = platformsOf(opened, tools.options)
  return {
    input: {
      images: variants.map((variant) => inputsOf(opened, lock, { variant, platforms })),
      ...{ repository: repositoryOf(tools, image), signedBy: tools.signatory.name, program: packageVersion() },
    },
    async perform() {
      const built: BuiltVariant[] = []
      const build = async () => {
        for (const variant of variants) built.push(await buildVariant(tools, { opened, lock, platforms }, variant))
      }
      await (opened.base === undefined ? tools.bench.heavy.pass(build) : build())
      const output: BuildOutput = { lock: lockDigest(lock), variants: built }
      return { kind: 'done', output }
    },
    stands: (output) => areThere(tools, image, buildOutput({ build: output })),
  }
}

function inputsOf(
  { definition }: OpenedDefinition,
  lock: Lock,
  { variant, platforms }: { readonly variant: string; readonly platforms: readonly string[] },
): Json {
  const effective = definition.variants.get(variant)
  if (effective === undefined) return { variant }
  const inputs = platforms.map((platform) => digestOf(canonicalJson(imageInputs(effective, lock, platform))))
  return { variant, inputs, tags: [...effective.tags] }
}

interface Building {
  readonly opened: OpenedDefinition
  readonly lock: Lock
  readonly platforms: readonly string[]
}

async function buildVariant(tools: FactoryTools, building: Building, variant: string): Promise<BuiltVariant> {
  const { opened, lock, platforms } = building
  const terminal = terminalOf(tools.terminal, opened.definition.image)
  const place = await placeOf(tools.options, opened.files)
  const effective = variantOf(opened, variant)
  const known = tools.bench.layers
  const order: BuildOrder = { opened, effective, lock, platforms, place, options: {}, known }
  const { built } = await buildPlatformsIn(tools.workshop, order, new Stages(terminal))
  for (const line of openScripts(opened, built)) terminal.warn(line)
  const image = composeIndex(
    built.map((one) => one.image),
    segmentBlobs(built.flatMap((one) => one.blobs)),
  )
  const { signatory, bench } = tools
  await publish(tools, { image, order, built, signatory, author: 'casemate', advisories: bench.advisories }, terminal)
  const { digest } = image.top.descriptor
  return {
    ...contractOf(built[0]),
    ...{ variant, digest, tags: [...new Set(built.flatMap(({ tags }) => tags))] },
    manifests: platforms.map((platform, number) => {
      return { platform, digest: built[number]?.image.manifest.descriptor.digest ?? digest }
    }),
  }
}

/** Sends an image with all its evidence, and keeps it at hand for the stages that follow. */
async function publish(tools: FactoryTools, publication: Publication, terminal: Terminal): Promise<void> {
  const { image, order, built, signatory } = publication
  const { bench } = tools
  const name = order.effective.image
  const repository = new StagedRepository(repositoryOf(tools, name), bench.registry)
  const below = new Set(
    built.flatMap(({ base }) => base?.image.layers.map(({ descriptor }) => descriptor.digest) ?? []),
  )
  const base = order.effective.base?.image
  const mountFrom = base === undefined ? [] : [referenceTo(tools, base, image.top.descriptor.digest).repository]
  await repository.putImage(image, { mountFrom, below })
  const read = await attachEverything(
    publication,
    signingNow({ repository, signatory, signedAs: repository.name }),
    terminal,
  )
  await repository.send()
  const subjects = {
    repository,
    home: repository.name,
    referenceOf: (digest: Digest) => `docker://${repository.name}@${digest}`,
    top: image.top.descriptor,
    platforms: image.images.map(({ platform, manifest }) => {
      return { platform: formatPlatform(platform), manifest: manifest.descriptor }
    }),
  }
  for (const [digest, manifest] of read) {
    const made = built.find((one) => one.image.manifest.descriptor.digest === digest)
    if (made === undefined) continue
    const files = knownImage(manifest.files, made)
    bench.keep(name, digest, { repository, files, read: { ...manifest, subjects, known: bench.layers } })
  }
}

function knownImage(files: ImageFiles, { assembly }: BuiltImage): KnownImage {
  return {
    get: (path) => {
      const found = files.get(path)
      if (found === undefined) return undefined
      const { type, mode, uid, gid, target } = found
      const isKnown = type === 'file' || type === 'directory' || type === 'symlink' || type === 'hardlink'
      return { mode, uid, gid, target, type: isKnown ? type : 'other' }
    },
    // What derived effects and the package database hold is not the tree's.
    read: (path) => {
      const held = files.get(path)?.content
      return held ?? (assembly.tree.get(path)?.type === 'file' ? assembly.read(path) : undefined)
    },
  }
}

/** What an image promises, for changelogs: the same on all platforms. */
function contractOf(built: BuiltImage | undefined): Pick<BuiltVariant, 'contract'> {
  if (built === undefined) return {}
  const config = parseImageConfig(JSON.parse(Buffer.from(built.image.config.bytes).toString('utf8')))
  const contract = declaredContract(config)
  return contract === undefined ? {} : { contract: formatContract(contract) }
}

/** A digest of an image where it lies in the registry. */
export function referenceTo(tools: Pick<FactoryTools, 'home'>, image: string, digest: string): RegistryReference {
  const reference = parseReference(`docker://${repositoryOf(tools, image)}@${digest}`)
  if (reference.transport === 'docker') return reference
  throw new Error(`${repositoryOf(tools, image)} is no repository of a registry`)
}

/** Whether the registry still has all that was built. */
async function areThere(tools: FactoryTools, image: string, { variants }: BuildOutput): Promise<boolean> {
  const [first] = variants
  if (first === undefined) return true
  const client = tools.bench.registry.repository(repositoryOf(tools, image))
  for (const { digest } of variants) if ((await client.resolve(digest, 'pull')) === undefined) return false
  return true
}
