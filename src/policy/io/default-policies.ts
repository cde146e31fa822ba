import { readFile } from 'node:fs/promises'
import { packageFile } from '#core'
import { type Policy, parsePolicies } from '../policy-file.ts'

/** Where the default set stands in Casemate's package, as messages and summaries name it. */
export const DEFAULT_POLICIES = 'policies/default.yaml'

/** The policies that Casemate ships, with the text that they were read from. */
export async function readDefaultPolicies(): Promise<{ readonly text: string; readonly policies: readonly Policy[] }> {
  const text = await readFile(packageFile(DEFAULT_POLICIES), 'utf8')
  return { text, policies: parsePolicies(text, DEFAULT_POLICIES) }
}
