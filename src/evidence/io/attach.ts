import { type ContentsOf, type Descriptor, OciError, RegistryClient, type StoreReport, storeContents } from '#oci'
import type { NewEvidence } from '../draft.ts'
import {
  type AttachOutcome,
  type AttachReport,
  type PlannedEvidence,
  planEvidence,
  type Signing,
  type SubjectEvidence,
} from './plan-evidence.ts'

/** Bytes of evidence that are stored together, about: what is signed meanwhile is as much again. */
const TOGETHER = 8 * 1024 * 1024

/** How often evidence is made anew whose tag others have moved meanwhile. */
const ATTEMPTS = 4

/**
 * Signs a manifest or index in both forms: a payload with its signature under the subject's `.sig` tag, and a bundle among
 * its referrers. What the same signatory has signed already stays as it is. Rejects as the repository and the signatory do.
 */
export async function attachSignature(subject: Descriptor, signing: Signing): Promise<AttachOutcome> {
  const [report] = await attachTogether([{ subject, statements: [], isSigned: true, signing }])
  return report?.signature ?? 'present'
}

/**
 * Signs statements about a manifest or index and attaches each in both forms: its envelope under the subject's `.att` tag,
 * in place of what the same signatory has said of the same type, and a bundle among its referrers. The same statement
 * again is not signed again. What is there is read once, and the tag written once, last. Gives an outcome for each, in order.
 * Rejects as the repository and the signatory do; then some bundles may be attached, and doing it again attaches the rest.
 */
export async function attachStatements(
  subject: Descriptor,
  statements: readonly NewEvidence[],
  signing: Signing,
): Promise<readonly AttachOutcome[]> {
  const [report] = await attachTogether([{ subject, statements, isSigned: false, signing }])
  return report?.statements ?? []
}

/**
 * Signs and attaches what is said of several manifests, of any repositories; each manifest of a repository stands among them once.
 * What our registries get goes in few requests, each durable as a whole; while one is on its way, the next is signed. Gives a report for
 * each, in order. Rejects as `attachStatements` does.
 */
export async function attachTogether(all: readonly SubjectEvidence[]): Promise<readonly AttachReport[]> {
  const works = await Promise.all(all.map(async (evidence, at) => ({ at, evidence: await knownTo(evidence) })))
  const reports: AttachReport[] = []
  let stored: Promise<void> = Promise.resolve()
  try {
    for (let next = 0; next < works.length; ) {
      const batch = new Batch()
      for (; next < works.length && batch.bytes < TOGETHER; next++) {
        const work = works[next]
        if (work !== undefined) batch.add(work, await planEvidence(work.evidence))
      }
      await stored
      stored = storeBatch(batch, reports)
      // It is waited for below, or before the next one.
      stored.catch(() => undefined)
    }
  } finally {
    await stored.catch(() => undefined)
  }
  await stored
  return reports
}

/** A registry that cannot refuse to move a tag has to be read before. */
async function knownTo(evidence: SubjectEvidence): Promise<SubjectEvidence> {
  const { repository, isFresh } = evidence.signing
  if (isFresh !== true) return evidence
  const canRefuse = repository instanceof RegistryClient && (await repository.takesContents())
  return canRefuse ? evidence : withoutHint(evidence)
}

function withoutHint(evidence: SubjectEvidence): SubjectEvidence {
  return { ...evidence, signing: { ...evidence.signing, isFresh: false } }
}

/** One subject's evidence, and where in the list its report belongs. */
interface Work {
  readonly at: number
  readonly evidence: SubjectEvidence
}

/** What is stored together. */
class Batch {
  readonly planned: { readonly work: Work; readonly plan: PlannedEvidence }[] = []
  bytes = 0

  add(work: Work, plan: PlannedEvidence): void {
    this.planned.push({ work, plan })
    for (const { bytes } of plan.contents.blobs) this.bytes += bytes.length
  }

  /** Where something is to be stored at all. */
  contents(): ContentsOf[] {
    return this.planned.flatMap(({ work, plan: { contents } }) => {
      const isEmpty = contents.blobs.length === 0 && contents.manifests.every((stage) => stage.length === 0)
      return isEmpty ? [] : [{ repository: work.evidence.signing.repository, contents }]
    })
  }
}

/** Stores a batch; evidence of repositories in which a tag was not as it had been read, or hoped, is read and made anew. */
async function storeBatch(batch: Batch, reports: AttachReport[], attempt = 1): Promise<void> {
  const outcome = await storeContents(batch.contents())
  const again = new Batch()
  for (const { work, plan } of batch.planned) {
    if (!isRefused(work.evidence, outcome)) {
      reports[work.at] = plan.report
      continue
    }
    const evidence = withoutHint(work.evidence)
    again.add({ ...work, evidence }, await planEvidence(evidence))
  }
  const [first] = again.planned
  if (first === undefined) return
  if (attempt < ATTEMPTS) return await storeBatch(again, reports, attempt + 1)
  const { name } = first.work.evidence.signing.repository
  const reason = `other clients changed what is attached ${ATTEMPTS} times meanwhile, or took it away`
  throw new OciError('REGISTRY_FAILED', `cannot attach evidence in ${name}: ${reason}`)
}

function isRefused({ signing: { repository } }: SubjectEvidence, { moved, missing }: StoreReport): boolean {
  if (!(repository instanceof RegistryClient)) return false
  return [...moved, ...missing].some((one) => one.repository === repository.repository)
}
