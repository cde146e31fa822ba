import type { ApplicationReadings } from '#sbom/applications'

/** What an inventory would read in a member, read while the member is made. */
export interface MemberFacts {
  /** Names who read it: what another release looks for may be something else. */
  readonly reader: string
  /** In base64, by path: the files that say what a system is. */
  readonly contents: Readonly<Record<string, string>>
  readonly applications: ApplicationReadings
}

/** Reads what was kept of facts as JSON; `undefined` for what another reader made, or none. */
export function parseMemberFacts(text: string, reader: string): MemberFacts | undefined {
  try {
    const document: unknown = JSON.parse(text)
    return isFacts(document) && document.reader === reader ? document : undefined
  } catch {
    return undefined
  }
}

/** The cache is ours, and a sum stands before this: the shape is checked at its joints. */
function isFacts(document: unknown): document is MemberFacts {
  return (
    typeof document === 'object' &&
    document !== null &&
    'reader' in document &&
    'contents' in document &&
    'applications' in document
  )
}
