import type { Contract } from '#sandbox'
import type { ReleaseDifference } from '../ports.ts'
import type { HeldPackage, Release } from '../release.ts'
import { changelogOf, type ReleasedFinding, type ReleasedImage } from './changelog.ts'
import type { NewMessage } from './message.ts'
import { releaseMessage } from './messages.ts'
import type { ComparedFindings } from './standing-findings.ts'

/** What is known of a release beside its packages. */
export interface ReleaseFacts {
  readonly owner?: string | undefined
  /** The findings that the release was made for. */
  readonly answered?: readonly ReleasedFinding[]
  /** Of the release, and of the one before it. */
  readonly contract?: Contract | undefined
  readonly contractBefore?: Contract | undefined
  /** Of both, as far as they may differ. */
  readonly findings?: ComparedFindings | undefined
}

/** What is to be told of releases, each with its changelog. `factsOf` gives what is known of each. */
export function releaseMessages(
  differences: readonly ReleaseDifference[],
  factsOf: (difference: ReleaseDifference) => ReleaseFacts = () => ({}),
): readonly NewMessage[] {
  return differences.map((difference) => {
    const { release, before, manifests } = difference
    const { owner, answered, contract, contractBefore, findings } = factsOf(difference)
    const side = (one: Release, which: 'gone' | 'come'): Omit<ReleasedImage, 'findings' | 'contract'> => ({
      ...one,
      manifests: one.manifests.map(({ platform }) => ({ platform, packages: packagesOf(manifests, platform, which) })),
    })
    const older = before && { ...side(before, 'gone'), findings: findings?.before, contract: contractBefore }
    const newer = { ...side(release, 'come'), findings: findings?.after, contract }
    return releaseMessage(owner === undefined ? {} : { owner }, changelogOf(older, newer, answered))
  })
}

function packagesOf(
  manifests: ReleaseDifference['manifests'],
  platform: string,
  which: 'gone' | 'come',
): readonly HeldPackage[] {
  return manifests.get(platform)?.[which] ?? []
}
