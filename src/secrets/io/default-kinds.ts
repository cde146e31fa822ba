import { readFileSync } from 'node:fs'
import { packageFile } from '#core'
import { parseSecretKinds, type SecretKind } from '../kinds.ts'

/** Where the kinds that Casemate ships stand in its package. */
export const SECRET_KINDS = 'secrets/kinds.yaml'

let known: { readonly text: string; readonly kinds: readonly SecretKind[] } | undefined

/** The kinds of secrets that Casemate ships, with the text that they were read from. They are read once. */
export function readSecretKinds(): { readonly text: string; readonly kinds: readonly SecretKind[] } {
  if (known === undefined) {
    const text = readFileSync(packageFile(SECRET_KINDS), 'utf8')
    known = { text, kinds: parseSecretKinds(text, SECRET_KINDS) }
  }
  return known
}
