import { keySignatory, keyTrust, type Signatory, type Trust } from '#attest'
import type { BaseTrust, FactoryStore } from '#factory'
import { type OpenedDefinition, openDefinition } from '#image'
import { parseReference } from '#oci'
import { pickSandbox, type Sandbox } from '#sandbox'
import type { Workshop } from '../build-platforms.ts'
import { UsageError } from '../errors.ts'
import { openSigner } from '../signing-key.ts'
import type { Terminal } from '../terminal.ts'
import type { PlaceOptions, StaleOptions } from '../verb.ts'
import { definitionOn, type LockedOn } from './moved-base.ts'
import type { Workbench } from './workbench.ts'

/** How images are made and judged, wherever that is the same for all images of a factory. */
export interface FactoryOptions extends PlaceOptions, StaleOptions {
  /** OCI platforms that images are made for. */
  readonly platforms: readonly string[]
  /** Variants that are made, of those that a definition has; all where nothing is said. */
  readonly variants?: readonly string[]
  /** See `GateOptions`. */
  readonly policy?: readonly string[]
  readonly exceptions?: string
  /** Whose recipes of images of others are believed. */
  readonly bases?: readonly BaseTrust[]
}

/** What the stages of a factory work with. */
export interface FactoryTools {
  readonly store: FactoryStore
  readonly options: FactoryOptions
  /** The registry with what is before the names of images, e.g. `registry.example.org/hardened`. */
  readonly home: string
  readonly signatory: Signatory
  /** Whoever signs here is believed here. */
  readonly trust: Trust
  readonly workshop: Workshop
  /** What this process has at hand of what it makes. */
  readonly bench: Workbench
  /** What tests run in, with its version, found out once. */
  readonly sandbox: () => Promise<{ readonly sandbox: Sandbox; readonly version: string }>
  /** The reference of an image's definition. Throws `USAGE_INVALID` for an image that nobody defines. */
  definitionOf(image: string): string
  readonly terminal: Terminal
}

/** Who signs with a key, and the trust in just that key. Rejects as `openSigner` does. */
export async function signingTools(key: string): Promise<Pick<FactoryTools, 'signatory' | 'trust'>> {
  const signer = await openSigner(key)
  return { signatory: keySignatory(signer), trust: keyTrust([signer.publicKey], undefined) }
}

/** Reads where a factory publishes: `docker://HOST[:PORT][/PREFIX]`. Throws `USAGE_INVALID`. */
export function homeOf(registry: string): string {
  const home = registry.replace(/^docker:\/\//, '').replace(/\/+$/, '')
  const invalid = () =>
    new UsageError('USAGE_INVALID', `cannot publish to "${registry}": want docker://HOST[:PORT][/PREFIX]`)
  if (/[@\s]|^oci:/.test(home)) throw invalid()
  try {
    const { transport } = parseReference(`docker://${home}/image`)
    if (transport !== 'docker') throw invalid()
  } catch (cause) {
    throw cause instanceof UsageError ? cause : invalid()
  }
  return home
}

/** Where the images of a factory lie. */
export function repositoryOf({ home }: Pick<FactoryTools, 'home'>, image: string): string {
  return `${home}/${image}`
}

/** Opens the definition of an image as it is kept. Rejects as `openDefinition` does. */
export async function openedOf(
  { definitionOf }: Pick<FactoryTools, 'definitionOf'>,
  image: string,
): Promise<OpenedDefinition> {
  return await openDefinition(definitionOf(image), { workingFolder: process.cwd() })
}

/** A definition as a run goes by it. */
export interface OpenedOn {
  readonly reference: string
  readonly opened: OpenedDefinition
}

/**
 * Opens the definition of an image on a state of the image of others that it stacks on, once for all stages of a run. Rejects as
 * `definitionOn` does.
 */
export async function openedOn(
  tools: Pick<FactoryTools, 'definitionOf' | 'options' | 'bench'>,
  image: string,
  { run, base }: { readonly run: number; readonly base: LockedOn | undefined },
): Promise<OpenedOn> {
  const reference = await definitionOn(tools, image, base)
  const open = () => openDefinition(reference, { workingFolder: process.cwd() })
  return { reference, opened: await tools.bench.definitions.provide(`${run} ${reference}`, open) }
}

/** The variants of a definition that are made. */
export function variantsOf({ definition }: OpenedDefinition, { variants }: FactoryOptions): readonly string[] {
  return [...definition.variants.keys()].filter((variant) => variants?.includes(variant) !== false)
}

/** The platforms of a definition that are made. Throws `USAGE_INVALID` where there is none. */
export function platformsOf({ definition }: OpenedDefinition, { platforms }: FactoryOptions): readonly string[] {
  const wanted = definition.platforms.filter((platform) => platforms.includes(platform))
  if (wanted.length > 0) return wanted
  const reason = `it is for ${definition.platforms.join(', ')}, and made are images for ${platforms.join(', ')}`
  throw new UsageError('USAGE_INVALID', `cannot make ${definition.image}: ${reason}`)
}

/** A terminal for what is done for one image of many: what must not get lost is told with the image's name. */
export function terminalOf(terminal: Terminal, image: string): Terminal {
  return {
    ...terminal,
    print: () => undefined,
    progress: () => undefined,
    picture: () => undefined,
    warn: (line) => terminal.warn(`${image}: ${line}`),
  }
}

/** Finds out what tests run in when it is asked first; a failure is not kept. */
export function sandboxOnce(): FactoryTools['sandbox'] {
  let found: ReturnType<FactoryTools['sandbox']> | undefined
  return () => {
    found ??= pickSandbox().then(async (sandbox) => {
      const version = await sandbox.version()
      return { sandbox: withVersion(sandbox, version), version }
    })
    found.catch(() => {
      found = undefined
    })
    return found
  }
}

/** Programs that tests run in are not replaced while a factory works: it is asked once. */
function withVersion(sandbox: Sandbox, version: string): Sandbox {
  const { name } = sandbox
  const launch: Sandbox['launch'] = (spec) => sandbox.launch(spec)
  return { name, launch, unavailable: () => sandbox.unavailable(), version: async () => version }
}
