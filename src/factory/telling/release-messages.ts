import type { Contract } from '#sandbox'
import type { ReleaseDifference } from '../ports.ts'
import type { HeldPackage, Release } from '../release.ts'
import { changelogOf, type ReleasedFinding, type ReleasedImage } from './changelog.ts'
import type { NewMessage } from './message.ts'
import { releaseMessage } from './messages.ts'

/** What is known of a release beside its packages. */
export interface ReleaseFacts {
  readonly owner?: string | undefined
  /** The findings that the release was made for. */
  readonly answered?: readonly ReleasedFinding[]
  /** Of the release, and of the one before it. */
  readonly contract?: Contract | undefined
  readonly contractBefore?: Contract | undefined
}

/** What is to be told of releases, each with its changelog. `factsOf` gives what is known of each. */
export function releaseMessages(
  differences: readonly ReleaseDifference[],
  factsOf: (release: Release) => ReleaseFacts = () => ({}),
): readonly NewMessage[] {
  return differences.map(({ release, before, manifests }) => {
    const { owner, answered, contract, contractBefore } = factsOf(release)
    const side = (one: Release, which: 'gone' | 'come', promised: Contract | undefined): ReleasedImage => ({
      ...one,
      manifests: one.manifests.map(({ platform }) => ({ platform, packages: packagesOf(manifests, platform, which) })),
      findings: undefined,
      contract: promised,
    })
    const older = before === undefined ? undefined : side(before, 'gone', contractBefore)
    return releaseMessage(
      owner === undefined ? {} : { owner },
      changelogOf(older, side(release, 'come', contract), answered),
    )
  })
}

function packagesOf(
  manifests: ReleaseDifference['manifests'],
  platform: string,
  which: 'gone' | 'come',
): readonly HeldPackage[] {
  return manifests.get(platform)?.[which] ?? []
}
