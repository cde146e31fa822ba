import type { Contract } from '#sandbox'
import type { Reason } from '../plan.ts'
import type { FactoryLogs, ReleaseDifference } from '../ports.ts'
import type { Release } from '../release.ts'
import type { ImageEnd } from '../run.ts'
import { worstSeverity } from '../settings/severity.ts'
import type { ReleasedFinding } from '../telling/changelog.ts'
import { failedMessage } from '../telling/messages.ts'
import { type ReleaseFacts, releaseMessages } from '../telling/release-messages.ts'
import { compareReleases, type FindingsOf } from '../telling/standing-findings.ts'
import type { Stages } from './ports.ts'

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

/** What changelogs are made by, beside what the store has. */
export interface ReleaseKnowledge {
  readonly reasonsOf: ReasonsOf
  /** `undefined` where no advisories are at hand. */
  readonly findingsOf: FindingsOf | undefined
  readonly stages: Pick<Stages, 'contractOf'>
}

/** Tells that images were released, each with its changelog. Belongs at the end of the transaction that records them. */
export async function tellReleases(
  logs: Pick<FactoryLogs, 'outbox' | 'releases' | 'runs'>,
  ids: readonly number[],
  knowledge: ReleaseKnowledge,
): Promise<void> {
  const { outbox, releases } = logs
  const differences = await releases.differences(ids)
  const contracts = await contractsOf(logs, differences, knowledge)
  const facts = new Map<ReleaseDifference, ReleaseFacts>()
  for (const difference of differences) {
    const { release, before } = difference
    facts.set(difference, {
      answered: knowledge.reasonsOf(release.image).flatMap(answeredBy),
      findings: await findingsBetween(logs, difference, knowledge),
      contract: contracts(release),
      contractBefore: contracts(before),
    })
  }
  await outbox.add(releaseMessages(differences, (difference) => facts.get(difference) ?? {}))
}

async function findingsBetween(
  { releases }: Pick<FactoryLogs, 'releases'>,
  difference: ReleaseDifference,
  { findingsOf }: ReleaseKnowledge,
): Promise<ReleaseFacts['findings']> {
  if (findingsOf === undefined) return undefined
  return compareReleases(difference, findingsOf, async (contents) => (await releases.packages(contents)) ?? [])
}

/** What releases promise, by what their runs have built; nothing is known of one that a rollback made. */
async function contractsOf(
  { runs }: Pick<FactoryLogs, 'runs'>,
  differences: readonly ReleaseDifference[],
  { stages }: ReleaseKnowledge,
): Promise<(release: Release | undefined) => Contract | undefined> {
  if (stages.contractOf === undefined) return () => undefined
  const all = differences.flatMap(({ release, before }) => (before === undefined ? [] : [release, before]))
  const places = all.flatMap(({ run, image }) => (run === undefined ? [] : [{ run, image }]))
  const outputs = new Map((await runs.outputs('build', places)).map((one) => [`${one.run} ${one.image}`, one.output]))
  return (release) => {
    const output = release === undefined ? undefined : outputs.get(`${release.run} ${release.image}`)
    return release === undefined || output === undefined ? undefined : stages.contractOf?.(output, release.variant)
  }
}

function answeredBy({ advisories, source, severity, changes }: Reason): readonly ReleasedFinding[] {
  const name = source ?? changes[0]?.package ?? ''
  return advisories.map((id) => ({ id, package: name, severity: severity ?? 'unknown' }))
}
