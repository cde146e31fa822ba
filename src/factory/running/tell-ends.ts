import type { Reason } from '../plan.ts'
import type { FactoryLogs } from '../ports.ts'
import type { Release } from '../release.ts'
import type { ImageEnd } from '../run.ts'
import { worstSeverity } from '../settings/severity.ts'
import type { ReleasedFinding } from '../telling/changelog.ts'
import { failedMessage } from '../telling/messages.ts'
import { releaseMessages } from '../telling/release-messages.ts'

/** Why each image of a run was to be made, by name. */
export type ReasonsOf = (image: string) => readonly Reason[]

/** Tells that images could not be made. Belongs at the end of the transaction that records it. */
export async function tellFailures(
  { outbox }: Pick<FactoryLogs, 'outbox'>,
  run: number,
  ended: readonly ImageEnd[],
  reasonsOf: ReasonsOf,
): Promise<void> {
  const failed = ended.filter(({ state }) => state === 'failed')
  await outbox.add(
    failed.map(({ image, reason, at }) => {
      const severity = worstSeverity(reasonsOf(image).map((one) => one.severity))
      return failedMessage({ image }, { run, reason, at, ...(severity === undefined ? {} : { severity }) })
    }),
  )
}

/** Tells that images were released, each with its changelog. Belongs at the end of the transaction that records them. */
export async function tellReleases(
  { outbox, releases }: Pick<FactoryLogs, 'outbox' | 'releases'>,
  ids: readonly number[],
  reasonsOf: ReasonsOf,
): Promise<void> {
  const answered = ({ image }: Release) => ({ answered: reasonsOf(image).flatMap(answeredBy) })
  await outbox.add(releaseMessages(await releases.differences(ids), answered))
}

function answeredBy({ advisories, source, severity, changes }: Reason): readonly ReleasedFinding[] {
  const name = source ?? changes[0]?.package ?? ''
  return advisories.map((id) => ({ id, package: name, severity: severity ?? 'unknown' }))
}
