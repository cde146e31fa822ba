import { canonicalJson, digestOf, type Json } from '#core'
import type { PreparedStage, StageWork } from '#factory'
import { type BuiltImage, imageInputs, type Lock, type OpenedDefinition } from '#image'
import { composeIndex, parseReference, RegistryClient, type RegistryReference, segmentBlobs } from '#oci'
import { declaredContract, formatContract, parseImageConfig } from '#sandbox'
import { variantOf } from '../build.ts'
import { type BuildOrder, buildPlatformsIn } from '../build-platforms.ts'
import { openScripts } from '../open-scripts.ts'
import { placeOf } from '../place.ts'
import { publishSigned } from '../publish.ts'
import { Stages } from '../stages.ts'
import { packageVersion } from '../version.ts'
import { lockDigest, lockOf } from './lock-stage.ts'
import { type BuildOutput, type BuiltVariant, buildOutput, lockOutput } from './stage-outputs.ts'
import { type FactoryTools, openedOn, platformsOf, repositoryOf, terminalOf, variantsOf } from './tools.ts'

/**
 * The stage `build`: every variant is built and pushed with all its evidence, signed, by its digest alone: nothing names it yet. With the
 * same inputs of the images it is the same, whatever was observed of archives meanwhile.
 */
export async function prepareBuild(tools: FactoryTools, { image, outputs }: StageWork): Promise<PreparedStage> {
  const opened = await openedOn(tools, image, lockOutput(outputs).base)
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
      for (const variant of variants) built.push(await buildVariant(tools, { opened, lock, platforms }, variant))
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
  const order: BuildOrder = { opened, effective: variantOf(opened, variant), lock, platforms, place, options: {} }
  const { built } = await buildPlatformsIn(tools.workshop, order, new Stages(terminal))
  for (const line of openScripts(opened, built)) terminal.warn(line)
  const image = composeIndex(
    built.map((one) => one.image),
    segmentBlobs(built.flatMap((one) => one.blobs)),
  )
  const publication = { image, order, built, signatory: tools.signatory, author: 'casemate' }
  const { digest } = image.top.descriptor
  await publishSigned(publication, referenceTo(tools, opened.definition.image, digest), terminal)
  return {
    ...contractOf(built[0]),
    ...{ variant, digest, tags: [...new Set(built.flatMap(({ tags }) => tags))] },
    manifests: platforms.map((platform, number) => {
      return { platform, digest: built[number]?.image.manifest.descriptor.digest ?? digest }
    }),
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
  const client = new RegistryClient(referenceTo(tools, image, first.digest))
  try {
    for (const { digest } of variants) if ((await client.resolve(digest, 'pull')) === undefined) return false
    return true
  } finally {
    await client.close()
  }
}
