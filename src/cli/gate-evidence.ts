import { collectEvidence, judgeEvidence } from '#evidence'
import type { OpenedImage } from '#oci'
import {
  type Established,
  type EstablishedFacts,
  EVIDENCE_NOT_ASKED,
  evidenceFacts,
  type FactRecord,
  type JudgedImage,
  testFacts,
} from '#policy'
import { UsageError } from './errors.ts'
import { establish } from './establish.ts'
import { namesSomebody, type TrustOptions, trustOf } from './evidence-trust.ts'
import { findSubjects, type ImageSubjects, namesSigned, pinnedReference } from './image-subjects.ts'
import { readUpTo } from './read-up-to.ts'
import type { Terminal } from './terminal.ts'

/** By whom evidence is believed, and which report of tests is taken without it. */
export interface GateEvidenceOptions extends TrustOptions {
  readonly signedAs?: readonly string[]
  /** What `casemate test --json` wrote. */
  readonly tests?: string
  /** The image with what is attached to it, where that need not be looked for. */
  readonly candidate?: { readonly subjects: ImageSubjects; readonly judged?: JudgedImage }
}

/** Bytes of a report of tests. */
const LARGEST_REPORT = 2 ** 26

/** An image that was read, and how it was asked for. */
export interface ReferencedImage {
  readonly text: string
  readonly image: OpenedImage
}

/**
 * Judges what is attached to an image whose manifest was read, by its digests: a tag that moves meanwhile changes nothing.
 * Rejects with `USAGE_INVALID`, `KEY_INVALID` and `ROOT_INVALID`; what a registry does not give makes the facts unknown.
 */
export async function collectEvidenceFacts(
  gated: ReferencedImage,
  options: GateEvidenceOptions,
  terminal: Terminal,
): Promise<Pick<EstablishedFacts, 'evidence' | 'tests'>> {
  const judged = await judgeByTrust(gated, options, terminal)
  const evidence: EstablishedFacts['evidence'] =
    judged === undefined
      ? { known: true, value: EVIDENCE_NOT_ASKED }
      : judged.known
        ? { known: true, value: evidenceFacts(judged.value) }
        : judged
  if (options.tests !== undefined) {
    return { evidence, tests: await readReport(options.tests, gated.image.manifestDocument.descriptor.digest) }
  }
  if (judged?.known === true) return { evidence, tests: testFacts(judged.value) }
  const reason =
    'nobody says what came of them: neither --tests FILE, nor --key or an identity for results that are attached'
  return { evidence, tests: judged ?? { known: false, reason } }
}

/** `undefined` where nobody was named to believe. */
async function judgeByTrust(
  gated: ReferencedImage,
  options: GateEvidenceOptions,
  terminal: Terminal,
): Promise<Established<JudgedImage> | undefined> {
  if (!namesSomebody(options)) return undefined
  if (options.candidate?.judged !== undefined) return { known: true, value: options.candidate.judged }
  const trust = await trustOf(options)
  const find = () => findSubjects(pinnedReference(gated.text, gated.image.top.descriptor.digest))
  const subjects = await establish(async () => options.candidate?.subjects ?? (await find()))
  if (!subjects.known) return subjects
  const { repository } = subjects.value
  try {
    const expected = { trust, repositories: namesSigned(subjects.value, options.signedAs) }
    return await establish(async () => {
      terminal.progress('reading what is attached …')
      const [top, manifest] = [gated.image.top.descriptor.digest, gated.image.manifestDocument.descriptor.digest]
      const ofTop = judgeEvidence(await collectEvidence(repository, top), expected)
      if (top === manifest) return { top: ofTop, manifest: ofTop }
      return { top: ofTop, manifest: judgeEvidence(await collectEvidence(repository, manifest), expected) }
    })
  } finally {
    terminal.progress('')
    await repository.close()
  }
}

/** A report is of the manifest that it names; one that names none might be of any. Rejects with `USAGE_INVALID`. */
async function readReport(path: string, digest: string): Promise<Established<FactRecord<'Tests'>>> {
  const wrong = (reason: string) => new UsageError('USAGE_INVALID', `cannot use the test report ${path}: ${reason}`)
  const report = membersOf((await readUpTo(path, LARGEST_REPORT)).toString('utf8'))
  if (report?.get('schema') !== 'casemate.test-report/v1') throw wrong('want what `casemate test --json` writes')
  const manifest = report.get('manifest')
  if (manifest !== digest)
    throw wrong(`it is of ${String(manifest ?? 'an image that it does not name')}, not of ${digest}`)
  const results = report.get('results')
  if (!Array.isArray(results)) throw wrong('it has no results')
  const failed = results.flatMap((result: unknown) => {
    const { name, verdict } = Object(result)
    return verdict === 'passed' ? [] : [String(name)]
  })
  return { known: true, value: { passed: results.length > 0 && failed.length === 0, failed, count: results.length } }
}

function membersOf(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    return new Map(Object.entries(JSON.parse(text) ?? {}))
  } catch {
    return undefined
  }
}
