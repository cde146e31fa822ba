import { type Digest, digestOf } from '#core'
import type { Archive, ArchiveSuite } from './archive.ts'
import { parseCleartext } from './cleartext.ts'
import { DebianError } from './errors.ts'
import { parseRelease, type Release } from './release.ts'
import { checkSignatures, type PinnedKey } from './signature.ts'

/** How far ahead of our clock a suite's Date or a signature may lie, in milliseconds. */
export const FUTURE_TOLERANCE = 60_000

/** A Release file that stood every check of `verifySuite`, and what is to be recorded of it. */
export interface VerifiedSuite {
  readonly release: Release
  readonly state: SuiteState
}

/** The state of a suite as it was read: evidence, written to a lock's `observed:`. */
export interface SuiteState {
  readonly archive: string
  readonly suite: string
  readonly codename?: string
  /** What the signed `Suite:` field says, e.g. `stable`; its change is an event, no error. */
  readonly suiteField?: string
  readonly version?: string
  /** Dates are ISO 8601 in UTC with whole seconds. */
  readonly date: string
  readonly validUntil?: string
  /** The digest of the whole InRelease file. */
  readonly digest: Digest
  /** Fingerprints of the pinned keys whose signature is valid. */
  readonly signers: readonly string[]
  /** Past its Valid-Until, and accepted because the caller said so. */
  readonly expired: boolean
  /** Older than the archive's freshness rule for this suite allows without a loud line. */
  readonly stale: boolean
}

/** What `verifySuite` measures an InRelease file by. */
export interface SuiteTrust {
  readonly archive: Archive
  readonly suite: ArchiveSuite
  /** The keys that the suite's `signed-by` names. */
  readonly keys: readonly PinnedKey[]
  /** Our clock, or, for an InRelease file that was kept, its own date. */
  readonly at: Date
  /** Takes a suite past its Valid-Until; the state says so. */
  readonly acceptExpired: boolean
}

/**
 * Verifies the bytes of an InRelease file: framing, signature by a pinned key of this suite, identity, Date and
 * Valid-Until. Nothing of the host's apt configuration counts. Throws `SUITE_INVALID`, `SUITE_UNTRUSTED`,
 * `SUITE_FROM_FUTURE` or `SUITE_EXPIRED`.
 */
export async function verifySuite(inRelease: Uint8Array, trust: SuiteTrust): Promise<VerifiedSuite> {
  const { archive, suite, at } = trust
  const origin = `InRelease of ${suite.suite}`
  const message = parseCleartext(inRelease, origin)
  const signatureTime = new Date(at.getTime() + FUTURE_TOLERANCE)
  const { signers, rejected } = await checkSignatures(message, trust.keys, signatureTime, origin)
  if (signers.length === 0) {
    const reason = `no valid signature by one of its ${trust.keys.length} keys (${rejected.join('; ') || 'none at all'})`
    throw new DebianError('SUITE_UNTRUSTED', `cannot trust suite ${suite.suite}: ${reason}`)
  }
  const release = parseRelease(message.text, origin)
  checkIdentity(release, suite)
  const expired = checkDates(release, trust)
  const age = at.getTime() - release.date.getTime()
  return {
    release,
    state: {
      archive: archive.name,
      suite: suite.suite,
      ...(release.codename === undefined ? {} : { codename: release.codename }),
      ...(release.suite === undefined ? {} : { suiteField: release.suite }),
      ...(release.version === undefined ? {} : { version: release.version }),
      date: formatDate(release.date),
      ...(release.validUntil === undefined ? {} : { validUntil: formatDate(release.validUntil) }),
      digest: digestOf(inRelease),
      signers,
      expired,
      stale: suite.loudAfterHours !== undefined && age > suite.loudAfterHours * 3_600_000,
    },
  }
}

/** The lines that a user must see about the suites that were read; empty when all is well. */
export function suiteNotices(states: readonly SuiteState[], now: Date): string[] {
  const notices: string[] = []
  for (const { suite, date, validUntil, expired, stale } of states) {
    const hours = Math.floor((now.getTime() - Date.parse(date)) / 3_600_000)
    if (stale) notices.push(`suite ${suite} is stale: its mirror's newest state is of ${date}, ${hours} hours ago`)
    if (expired)
      notices.push(`suite ${suite} expired at ${validUntil ?? date} and was accepted because you asked for it`)
  }
  return notices
}

/** Writes a date as the lock and messages have it: ISO 8601, UTC, whole seconds. */
export function formatDate(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function checkIdentity(release: Release, { suite, identity }: ArchiveSuite): void {
  for (const field of ['origin', 'label', 'codename', 'suite'] as const) {
    const want = identity[field]
    if (want !== undefined && release[field] !== want) {
      const reason = `its signed ${field} is "${release[field] ?? ''}", not "${want}"`
      throw new DebianError('SUITE_UNTRUSTED', `cannot trust suite ${suite}: ${reason}`)
    }
  }
}

function checkDates(release: Release, { suite, at, acceptExpired }: SuiteTrust): boolean {
  if (release.date.getTime() > at.getTime() + FUTURE_TOLERANCE) {
    const reason = `its Date ${formatDate(release.date)} lies in the future of this machine's clock, ${formatDate(at)}`
    throw new DebianError('SUITE_FROM_FUTURE', `cannot trust suite ${suite.suite}: ${reason}`)
  }
  const expired = release.validUntil !== undefined && release.validUntil.getTime() < at.getTime()
  if (expired && !acceptExpired) {
    const reason = `it was valid until ${formatDate(release.validUntil)}, and expired suites are not accepted`
    throw new DebianError('SUITE_EXPIRED', `cannot trust suite ${suite.suite}: ${reason}`)
  }
  return expired
}
