import type { OpenStore } from '#advisory'
import { ACCOUNT_FILES } from '#debian'
import { asksForPackageManager, catalogueNames, type OpenedDefinition, openDefinition, readAbout } from '#image'
import {
  formatPlatform,
  type ImageFiles,
  type OpenedImage,
  openImage,
  parsePlatform,
  parseReference,
  type Reference,
} from '#oci'
import {
  applicationFacts,
  type ConfiguredImage,
  configFacts,
  contractFacts,
  type Declared,
  declaredBy,
  type Established,
  type EstablishedFacts,
  fileFacts,
  type GroupName,
  type ImageSecrets,
  type JudgedImage,
  licenceFacts,
  NOTHING_DECLARED,
  packageFacts,
  secretFacts,
} from '#policy'
import type { Inventory } from '#sbom'
import { UsageError } from './errors.ts'
import { endsAsOurs } from './file-account.ts'
import { collectBaseFacts, type GateBaseOptions } from './gate-base.ts'
import { collectEvidenceFacts, type GateEvidenceOptions } from './gate-evidence.ts'
import { allUnknown, collectFindingFacts, FINDING_GROUPS, type GateFindingOptions } from './gate-findings.ts'
import { compareWithPrevious, type PromisedContract } from './gate-previous.ts'
import { inventoryWithFiles } from './image-inventory.ts'
import { imageLabels } from './image-labels.ts'
import { readImageSecrets } from './image-secrets.ts'
import type { ImageSubjects } from './image-subjects.ts'
import type { KnownLayers } from './known-layers.ts'
import type { ReadManifest } from './publish.ts'
import type { Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** An image that was read by who made it, with what is attached to it. */
export interface ReadCandidate extends ReadManifest {
  readonly subjects: ImageSubjects
  readonly known: KnownLayers
  /** What of its evidence is believed, where that was judged already. */
  readonly judged?: JudgedImage
}

/** By what the facts of an image are established. */
export interface FactOptions extends GateFindingOptions, GateEvidenceOptions, GateBaseOptions {
  readonly platform: string
  /** The image, where it need not be opened and read: with its licences. */
  readonly candidate?: ReadCandidate
  readonly definition?: string
  /** The same, where it is open already. */
  readonly opened?: OpenedDefinition
  /** The release before: its contract is compared. */
  readonly previous?: string
  /** What it has promised, where that is on record. */
  readonly promised?: PromisedContract
}

/** An image with its facts. */
export interface GatedImage {
  /** As it was asked for. */
  readonly text: string
  readonly facts: EstablishedFacts
  readonly image: OpenedImage
  readonly reference: Reference
  readonly inventory: Inventory
  readonly account: ConfiguredImage
}

/** What the image's definition says of it, where one is at hand. */
interface Definition {
  readonly variant: string
  readonly declared: Declared
  readonly isKnown: boolean
  readonly isForBuilding: boolean
}

const NO_DEFINITION: Definition = {
  variant: 'runtime',
  declared: NOTHING_DECLARED,
  isKnown: false,
  isForBuilding: false,
}
const NOT_ASKED = { known: false, reason: 'no policy asks for it' } as const

/**
 * Establishes the facts that policies ask for. What could not be established is so called, with why, and is no error; rejects
 * as `openImage` and `inventoryWithFiles` do, and with `USAGE_INVALID`.
 */
export async function collectFacts(
  text: string,
  { wanted, options, store }: { wanted: ReadonlySet<GroupName>; options: FactOptions; store: OpenStore },
  terminal: Terminal,
): Promise<GatedImage> {
  const reference = parseReference(text)
  const licences = wanted.has('licences')
  terminal.progress(`reading ${text} …`)
  const { image, inventory, files, secrets } = await readGated(text, { wanted, options })
  terminal.progress('')
  for (const fault of inventory.faults) terminal.warn(visibleText(fault))
  const definition = await definitionOf(image, options)
  const account = configuredImage(image, files)
  const whole = <Value>(value: () => Value): Established<Value> => ifWhole(inventory, value)
  const [fault] = inventory.faults
  const findings = !FINDING_GROUPS.some((group) => wanted.has(group))
    ? allUnknown(NOT_ASKED.reason)
    : fault === undefined
      ? await collectFindingFacts(inventory, { reference: text, options, store }, terminal)
      : allUnknown(notWhole(fault))
  const { evidence, tests } = await collectEvidenceFacts({ text, image }, options, terminal)
  const isOwn = definition.isKnown && endsAsOurs(image)
  const facts: EstablishedFacts = {
    image: { known: true, value: imageFacts(text, { image, inventory, definition }) },
    config: configFacts(account),
    contract: contractFacts(account),
    previous: await compareWithPrevious(account, options),
    base: await collectBaseFacts({ name: text, image }, isOwn, options),
    files: whole(() => fileFacts(files, inventory, definition.declared)),
    secrets: secrets === undefined ? NOT_ASKED : whole(() => secretFacts(secrets, files, inventory)),
    packages: whole(() => packageFacts(inventory)),
    applications: whole(() => applicationFacts(inventory)),
    licences: licences ? whole(() => licenceFacts(inventory)) : NOT_ASKED,
    ...findings,
    ...{ evidence, tests },
  }
  return { text, facts, image, reference, inventory, account }
}

async function readGated(
  text: string,
  { wanted, options: { platform, candidate } }: { wanted: ReadonlySet<GroupName>; options: FactOptions },
): Promise<ReadManifest & { readonly secrets: ImageSecrets | undefined }> {
  const image = candidate?.image ?? (await openImage(parseReference(text), { platform: parsePlatform(platform) }))
  // Before the inventory, which closes the image.
  const secrets = wanted.has('secrets') ? await readImageSecrets(image, candidate?.known) : undefined
  if (candidate !== undefined) return { ...candidate, secrets }
  const reading = { reference: text, account: true, licences: wanted.has('licences') }
  return { image, ...(await inventoryWithFiles(image, reading)), secrets }
}

function imageFacts(
  reference: string,
  { image, inventory, definition }: { image: OpenedImage; inventory: Inventory; definition: Definition },
) {
  const { distribution } = inventory
  return {
    ...{ reference, name: inventory.image.name, digest: inventory.image.digest },
    platform: formatPlatform(image.config.platform),
    ...{ variant: definition.variant, has_definition: definition.isKnown, for_building: definition.isForBuilding },
    ...{ distribution: distribution?.id ?? '', codename: distribution?.codename ?? '' },
  }
}

function configuredImage({ config, configDocument }: OpenedImage, files: ImageFiles): ConfiguredImage {
  const textOf = (path: string) => Buffer.from(files.read(path) ?? []).toString('utf8')
  return {
    config,
    bytes: configDocument.bytes,
    passwd: textOf(ACCOUNT_FILES.passwd),
    group: textOf(ACCOUNT_FILES.group),
  }
}

/** Of an image of which a part could not be read, nobody knows what is in that part. */
function ifWhole<Value>({ faults }: Inventory, value: () => Value): Established<Value> {
  const [first] = faults
  return first === undefined ? { known: true, value: value() } : { known: false, reason: notWhole(first) }
}

function notWhole(fault: string): string {
  return `the image could not be read whole: ${fault}`
}

/**
 * The definition that is named, or the catalogue's that the image's label names. A label may say anything: it is never taken
 * as a path, and a variant counts only where its definition has it. What others built on an image of ours inherits its labels:
 * it is held to what holds for a runtime, whichever variant it started from.
 */
async function definitionOf(
  image: OpenedImage,
  { definition: named, opened }: Pick<FactOptions, 'definition' | 'opened'>,
): Promise<Definition> {
  const labels = image.config.config.Labels ?? {}
  const label = labels[imageLabels.image]
  const isOurs = async () => label !== undefined && (await catalogueNames()).includes(label)
  const place = named ?? ((await isOurs()) ? label : undefined)
  if (place === undefined) return NO_DEFINITION
  const open = () => openDefinition(place, { workingFolder: process.cwd() })
  const { definition, isCatalogue, catalogue } = opened ?? (await open())
  if (label !== undefined && label !== definition.image) {
    const reason = `it makes ${definition.image}, and the image says that it is ${visibleText(label)}`
    throw new UsageError('USAGE_INVALID', `cannot use the definition ${place}: ${reason}`)
  }
  const isItself = endsAsOurs(image)
  const variant = (isItself ? labels[imageLabels.variant] : undefined) ?? 'runtime'
  const effective = definition.variants.get(variant)
  if (effective !== undefined) {
    const departures = isCatalogue ? (await readAbout(definition.image, catalogue)).exceptions : []
    const isForBuilding = isItself && asksForPackageManager(effective.packages)
    return { variant, declared: declaredBy(effective, departures), isKnown: true, isForBuilding }
  }
  if (named === undefined) return NO_DEFINITION
  throw new UsageError('USAGE_INVALID', `cannot use the definition ${named}: it has no variant ${visibleText(variant)}`)
}
