import { readFile } from 'node:fs/promises'
import { packageFile } from '#core'
import { type Policy, parsePolicies } from '../policy-file.ts'

/** Where the default set stands in Casemate's package, as messages and summaries name it. */
export const DEFAULT_POLICIES = 'policies/default.yaml'

let known: { readonly text: string; readonly policies: readonly Policy[] } | undefined

/** The policies that Casemate ships, with the text that they were read from. They are read once. */
export async function readDefaultPolicies(): Promise<{ readonly text: string; readonly policies: readonly Policy[] }> {
  if (known === undefined) {
    const text = await readFile(packageFile(DEFAULT_POLICIES), 'utf8')
    known = { text, policies: parsePolicies(text, DEFAULT_POLICIES) }
  }
  return known
}
