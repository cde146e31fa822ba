import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf, readStrictJson, visibleText } from '#core'
import { type FactoryStore, type Moment, type RunningContainer, runningContainers } from '#factory'
import { IntegrationError } from '../errors.ts'
import { type RecordedSightings, recordSightings } from './record-sightings.ts'

/** What a cluster of a hundred thousand containers says of its pods. */
const LIMITS = { maxBytes: 1 << 30, maxDepth: 64 }

/** What a look at a cluster gave. */
export interface ClusterLook extends RecordedSightings {
  readonly containers: number
  /** Containers whose digest is not known: an image that was loaded into the node, or a node that does not say. */
  readonly unknown: readonly string[]
}

/**
 * Asks a cluster for its pods by `kubectl`, read-only and with whatever right the user's own configuration has. Rejects with `INVENTORY_INVALID`.
 */
export async function readClusterPods(
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  options: { readonly context?: string } = {},
): Promise<Uint8Array> {
  const context = options.context === undefined ? [] : [`--context=${options.context}`]
  try {
    const { stdout } = await promisify(execFile)(
      'kubectl',
      [...context, 'get', 'pods', '--all-namespaces', '--output=json', '--request-timeout=60s'],
      { env: environment, encoding: 'buffer', timeout: 120_000, maxBuffer: LIMITS.maxBytes, signal },
    )
    return stdout
  } catch (cause) {
    signal.throwIfAborted()
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
    const reason = visibleText(said.split('\n').at(-1) ?? '').slice(0, 500) || messageOf(cause)
    throw new IntegrationError('INVENTORY_INVALID', `cannot ask the cluster for its pods: ${reason}`, { cause })
  }
}

/** Reads a list of pods; `name` says where it came from. Throws `INVENTORY_INVALID`. */
export function parseClusterPods(bytes: Uint8Array, name: string): readonly RunningContainer[] {
  const invalid = (reason: string) =>
    new IntegrationError('INVENTORY_INVALID', `cannot read the pods of ${name}: ${reason}`)
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalid(read.fault)
  const containers = runningContainers(read.value)
  if (containers === undefined) throw invalid('want a list as `kubectl get pods -A -o json` gives')
  return containers
}

/** Records which releases run, by a list of pods that was taken at a moment. Rejects as the store does. */
export async function recordRunning(
  store: FactoryStore,
  containers: readonly RunningContainer[],
  at: Moment,
): Promise<ClusterLook> {
  const digests = containers.flatMap(({ image }) => image.digest ?? [])
  const unknown = containers.filter(({ image }) => image.digest === undefined).map(({ place }) => visibleText(place))
  return { ...(await recordSightings(store, 'running', digests, at)), containers: containers.length, unknown }
}
