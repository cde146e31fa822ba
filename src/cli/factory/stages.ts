import type { Json } from '#core'
import type { Candidate, HeldPackage, MakingStage, PreparedStage, Stages, StageWork } from '#factory'
import { type Lock, packagesOf } from '#image'
import { type Contract, parseContract } from '#sandbox'
import { prepareBuild } from './build-stage.ts'
import { prepareGate } from './gate-stage.ts'
import { lockOf, prepareLock } from './lock-stage.ts'
import { buildOutput, gateOutput } from './stage-outputs.ts'
import { prepareTest } from './test-stage.ts'
import { type FactoryTools, repositoryOf } from './tools.ts'

const PREPARE: Readonly<Record<MakingStage, (tools: FactoryTools, work: StageWork) => Promise<PreparedStage>>> = {
  lock: prepareLock,
  build: prepareBuild,
  test: prepareTest,
  gate: prepareGate,
}

/** The stages as the verbs do them: lock, build, test and gate, each on what the one before left in the registry. */
export class FactoryStages implements Stages {
  readonly #tools: FactoryTools

  constructor(tools: FactoryTools) {
    this.#tools = tools
  }

  async prepare(stage: MakingStage, work: StageWork): Promise<PreparedStage> {
    return await PREPARE[stage](this.#tools, work)
  }

  async candidates({ image, outputs }: StageWork): Promise<readonly Candidate[]> {
    const { lock: built, variants } = buildOutput(outputs)
    const lock = lockOf(outputs, image)
    const attached = gateOutput(outputs)?.attached ?? {}
    return variants.map(({ variant, digest, tags, manifests }) => ({
      ...{ image, variant, digest, lock: built, repository: repositoryOf(this.#tools, image) },
      tags: [...tags],
      ...(attached[variant] === undefined ? {} : { attached: attached[variant] }),
      manifests: manifests.map((one) => ({ ...one, packages: heldPackages(lock, one.platform, variant) })),
    }))
  }

  contractOf(build: Json, variant: string): Contract | undefined {
    const contract = buildOutput({ build }).variants.find((one) => one.variant === variant)?.contract
    return contract === undefined ? undefined : parseContract(contract)
  }
}

/** What an image holds by its lock. */
export function heldPackages(lock: Lock, platform: string, variant: string): readonly HeldPackage[] {
  return packagesOf(lock, platform, variant).map(({ archive, name, version, architecture, source }) => {
    return { archive, name, version, architecture, source: { name: source.name, version: source.version } }
  })
}
