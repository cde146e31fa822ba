import { environmentVariable, type ImageConfig } from '#oci'
import {
  type Contract,
  contractDifferences,
  declaredContract,
  effectiveContract,
  parseImageConfig,
  resolveAccount,
  SandboxError,
} from '#sandbox'
import type { Established, FactRecord } from '../fact-shapes.ts'

/** An image's config with the account files that its user is looked up in; empty where the image has none. */
export interface ConfiguredImage {
  readonly config: ImageConfig
  /** The config's own bytes. */
  readonly bytes: Uint8Array
  readonly passwd: string
  readonly group: string
}

/** How a container of an image runs. It is unknown where the user has no account: nobody can say who that is. */
export function configFacts({ config: { config }, passwd, group }: ConfiguredImage): Established<FactRecord<'Config'>> {
  return established(() => {
    const { uid, gid } = resolveAccount(config.User ?? '', { passwd, group })
    return {
      ...{ user: config.User ?? '', uid, gid },
      ...{ entrypoint: config.Entrypoint ?? [], cmd: config.Cmd ?? [], volumes: config.Volumes ?? [] },
      env: Object.fromEntries((config.Env ?? []).map(environmentVariable)),
      labels: config.Labels ?? {},
      ports: (config.ExposedPorts ?? []).map((port) => (port.includes('/') ? port : `${port}/tcp`)),
      ...{ stop_signal: config.StopSignal || 'SIGTERM', work_dir: config.WorkingDir || '/' },
    }
  })
}

/** What an image promises, and in what its config keeps the promise no longer. */
export function contractFacts({ bytes, passwd, group }: ConfiguredImage): Established<FactRecord<'Contract'>> {
  return established(() => {
    const config = parseImageConfig(JSON.parse(Buffer.from(bytes).toString('utf8')))
    const declared = declaredContract(config)
    const { name, uid, gid } = resolveAccount(config.config?.User ?? '', { passwd, group })
    const kept = effectiveContract(config, { ...(name && { name }), uid, gid })
    return {
      declared: declared !== undefined,
      broken: declared === undefined ? [] : brokenKeys(declared, kept),
      writable: kept.writable,
    }
  })
}

/** A volume that was added breaks no promise. */
function brokenKeys(declared: Contract, kept: Contract): readonly string[] {
  return contractDifferences(declared, { ...kept, writable: declared.writable })
}

function established<Value>(read: () => Value): Established<Value> {
  try {
    return { known: true, value: read() }
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error
    return { known: false, reason: error.message }
  }
}
