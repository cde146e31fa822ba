import type { Trust } from '#attest'
import { collectEvidence, judgeEvidence } from '#evidence'
import { type OpenedImage, type Reference, RegistryClient, type RegistryReference } from '#oci'
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
import { type TrustOptions, trustOf } from './evidence-trust.ts'
import { readUpTo } from './read-up-to.ts'
import type { Terminal } from './terminal.ts'

/** By whom evidence is believed, and which report of tests is taken without it. */
export interface GateEvidenceOptions extends TrustOptions {
  readonly signedAs?: readonly string[]
  /** What `casemate test --json` wrote. */
  readonly tests?: string
}

/** Bytes of a report of tests. */
const LARGEST_REPORT = 2 ** 26

/**
 * Judges what is attached to an image whose manifest was read, by its digests: a tag that moves meanwhile changes nothing.
 * Rejects with `USAGE_INVALID` and `KEY_INVALID`; what a registry does not give makes the facts unknown.
 */
export async function collectEvidenceFacts(
  { reference, image }: { readonly reference: Reference; readonly image: OpenedImage },
  options: GateEvidenceOptions,
  terminal: Terminal,
): Promise<Pick<EstablishedFacts, 'evidence' | 'tests'>> {
  const judged = await judgeByKeys({ reference, image }, options, terminal)
  const evidence: EstablishedFacts['evidence'] =
    judged === undefined
      ? { known: true, value: EVIDENCE_NOT_ASKED }
      : judged.known
        ? { known: true, value: evidenceFacts(judged.value) }
        : judged
  if (options.tests !== undefined) {
    return { evidence, tests: await readReport(options.tests, image.manifestDocument.descriptor.digest) }
  }
  if (judged?.known === true) return { evidence, tests: testFacts(judged.value) }
  const reason = 'nobody says what came of them: neither --tests FILE, nor --key for results that are attached'
  return { evidence, tests: judged ?? { known: false, reason } }
}

/** `undefined` where nobody was named to believe. */
async function judgeByKeys(
  { reference, image }: { readonly reference: Reference; readonly image: OpenedImage },
  options: GateEvidenceOptions,
  terminal: Terminal,
): Promise<Established<JudgedImage> | undefined> {
  if (options.key === undefined) return undefined
  const trust = await trustOf(options)
  if (reference.transport !== 'docker') {
    throw new UsageError('USAGE_INVALID', 'cannot verify an image in files by --key: evidence is kept in registries')
  }
  return establish(() => judgeImage({ reference, image }, { ...options, trust }, terminal))
}

async function judgeImage(
  { reference, image }: { readonly reference: RegistryReference; readonly image: OpenedImage },
  { trust, signedAs = [] }: GateEvidenceOptions & { readonly trust: Trust },
  terminal: Terminal,
): Promise<JudgedImage> {
  const repository = new RegistryClient(reference)
  try {
    const expected = { trust, repositories: [repository.name, ...signedAs] }
    terminal.progress('reading what is attached …')
    const [top, manifest] = [image.top.descriptor.digest, image.manifestDocument.descriptor.digest]
    const ofTop = judgeEvidence(await collectEvidence(repository, top), expected)
    if (top === manifest) return { top: ofTop, manifest: ofTop }
    return { top: ofTop, manifest: judgeEvidence(await collectEvidence(repository, manifest), expected) }
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
