import { type Contract, contractDifferences } from './contract.ts'

/** A promise to who runs an image in which two images differ. */
export interface ContractChange {
  readonly key: keyof Contract
  /** Which variable of `environment`; empty for all other promises. */
  readonly name: string
  /** `undefined` where there is no such variable. */
  readonly from: string | readonly string[] | undefined
  readonly to: string | readonly string[] | undefined
}

/** What differs between two contracts, by key; nothing where one of them is not known. */
export function contractChanges(from: Contract | undefined, to: Contract | undefined): readonly ContractChange[] {
  if (from === undefined || to === undefined) return []
  return contractDifferences(from, to).flatMap((key): readonly ContractChange[] => {
    if (key === 'environment') return variables(from.environment, to.environment)
    return [{ key, name: '', from: promise(from, key), to: promise(to, key) }]
  })
}

/**
 * Whether a change takes away what somebody may rely on. One more port, writable path or variable takes nothing away; any other
 * change does.
 */
export function isBreaking({ key, from, to }: ContractChange): boolean {
  if (key === 'environment') return from !== undefined
  if ((key !== 'ports' && key !== 'writable') || typeof from !== 'object') return true
  return from.some((one) => !to?.includes(one))
}

function variables(from: Contract['environment'], to: Contract['environment']): readonly ContractChange[] {
  const valueUnder = (map: Contract['environment'], name: string) => (Object.hasOwn(map, name) ? map[name] : undefined)
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .sort()
    .map((name) => ({ key: 'environment' as const, name, from: valueUnder(from, name), to: valueUnder(to, name) }))
    .filter((change) => change.from !== change.to)
}

function promise(contract: Contract, key: Exclude<keyof Contract, 'environment'>): string | readonly string[] {
  if (key !== 'user') return contract[key]
  const { name, uid, gid } = contract.user
  return name === undefined ? `${uid}:${gid}` : `${uid}:${gid} (${name})`
}
