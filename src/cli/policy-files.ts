import { DEFAULT_POLICIES, type Policy, PolicyError, parsePolicies, readDefaultPolicies } from '#policy'
import { readUpTo } from './read-up-to.ts'

/** Policies with the text that they were read from. */
export interface PolicySet {
  /** The file's path as it was named. */
  readonly file: string
  readonly text: string
  readonly policies: readonly Policy[]
}

/** Bytes of a file of policies. */
const LARGEST_POLICIES = 2 ** 21

/**
 * Reads files of policies; `default` is the set that Casemate ships. Throws `POLICY_INVALID`, also for a name that stands in
 * two of them, and `USAGE_INVALID` for what cannot be read.
 */
export async function readPolicies(files: readonly string[]): Promise<readonly PolicySet[]> {
  const sets: PolicySet[] = []
  for (const file of new Set(files)) {
    if (file === 'default') {
      sets.push({ file: DEFAULT_POLICIES, ...(await readDefaultPolicies()) })
    } else {
      const text = (await readUpTo(file, LARGEST_POLICIES)).toString('utf8')
      sets.push({ file, text, policies: parsePolicies(text, file) })
    }
  }
  const known = new Map<string, string>()
  for (const { name, place } of sets.flatMap(({ policies }) => policies)) {
    const other = known.get(name)
    if (other !== undefined) {
      throw new PolicyError(
        'POLICY_INVALID',
        `cannot use policies together: ${place} and ${other} are both named ${name}`,
      )
    }
    known.set(name, place)
  }
  return sets
}
