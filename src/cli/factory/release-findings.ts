import { openStore as openAdvisories } from '#advisory'
import { defaultCacheFolder } from '#debian'
import { type EnginePorts, standingFindings } from '#factory'
import { readArchiveFacts } from '../plan-basis.ts'

/** What opens the advisories that changelogs are made by; `folders` gives where archives of the fleet's own are described. */
export function openReleaseFindings(folders: () => readonly string[]): NonNullable<EnginePorts['openFindings']> {
  return async () => {
    const { release } = await readArchiveFacts(folders())
    const advisories = openAdvisories(defaultCacheFolder())
    if (advisories === undefined) return undefined
    return { findingsOf: standingFindings(advisories, release), close: () => advisories.close() }
  }
}
