import { type OpenStore, openStore, type SharedStore } from '#advisory'
import { PREDICATES } from '#attest'
import type { Digest, Json } from '#core'
import { defaultCacheFolder } from '#debian'
import type { NewEvidence } from '#evidence'
import { type Finding, matchPackages, releaseOf, subjectOf, vexStatements } from '#match'
import { type DocumentMaker, formatCycloneDx, formatSpdx, type Inventory } from '#sbom'
import { formatVexDocument } from '#vex'
import { findInImage } from './image-findings.ts'
import { type ImageNames, namesOfImage } from './image-names.ts'
import { licencesDocument } from './licenses.ts'
import { packageVersion } from './version.ts'
import { evidenceTime } from './vex.ts'

/** What is said about one platform's image from its inventory, and from the advisories that are at hand. */
export interface ImageStatements {
  readonly statements: readonly NewEvidence[]
  /** What could not be said, and why. */
  readonly notices: readonly string[]
}

/** Under which names things are said of an image. */
export interface StatementNames {
  /** Who makes the VEX statements. */
  readonly author: string
  /** The repository, with its registry. */
  readonly signedAs: string
  /** Of the index that the image is listed in, or of itself. */
  readonly index: Digest
  /** The advisories, where they are open already. */
  readonly advisories?: SharedStore
}

/**
 * Makes the statements about an image that its own content and the advisories allow: SBOMs, licences, findings and VEX. The
 * same image and advisories give the same statements. Throws as the makers of the documents do.
 */
export function imageStatements(
  inventory: Inventory,
  { author, signedAs, index, advisories }: StatementNames,
): ImageStatements {
  const maker: DocumentMaker = { tool: `casemate-${packageVersion()}` }
  const statements: NewEvidence[] = [
    { predicateType: PREDICATES.spdx, predicate: JSON.parse(formatSpdx(inventory, maker)) },
    { predicateType: PREDICATES.cyclonedx, predicate: JSON.parse(formatCycloneDx(inventory, maker)) },
    { predicateType: PREDICATES.licences, predicate: JSON.parse(JSON.stringify(licencesDocument(inventory.packages))) },
  ]
  const store = advisories === undefined ? openStore(defaultCacheFolder()) : advisories.current()
  if (store === undefined) {
    return {
      statements,
      notices: ['no findings and no VEX are attached: there are no advisories; `casemate advisories update` gets them'],
    }
  }
  try {
    return {
      statements: [
        ...statements,
        ...judged(inventory, store, { author, images: namesOfImage(inventory.image, signedAs, index) }),
      ],
      notices: [],
    }
  } finally {
    store.close()
  }
}

function judged(
  inventory: Inventory,
  store: OpenStore,
  { author, images }: { author: string; images: ImageNames['names'] },
): NewEvidence[] {
  const matches = matchPackages(inventory.packages, releaseOf(inventory), store)
  const scan = {
    predicateType: PREDICATES.vuln,
    predicate: scanPredicate(findInImage(inventory, store).findings, store),
  }
  const { image, packages } = inventory
  const statements = vexStatements(matches, { images, packages, imageLevel: true, policy: {} })
  if (statements.length === 0) return [scan]
  const timestamp = evidenceTime(image.created, store)
  const vex = formatVexDocument({ author, timestamp, tooling: `casemate-${packageVersion()}`, statements })
  return [scan, { predicateType: PREDICATES.vex, predicate: JSON.parse(vex) }]
}

/**
 * Findings as cosign's predicate for vulnerability scans has them: of which advisories, and what they say in Debian's words.
 * The time is that of the newest advisories, so that the same scan is the same statement.
 */
function scanPredicate(findings: readonly Finding[], { parts }: OpenStore): Json {
  const newest =
    parts
      .map(({ contentDate }) => contentDate)
      .sort()
      .at(-1) ?? ''
  return {
    scanner: {
      uri: `pkg:npm/casemate@${packageVersion()}`,
      version: packageVersion(),
      db: { uri: '', version: newest },
      result: {
        advisories: parts.map(({ kind, digest, contentDate }) => ({ kind, digest, date: contentDate })),
        findings: findings.map((finding) => ({
          ...{ id: finding.cve, ...subjectOf(finding), status: finding.status },
          ...(finding.fixedIn === undefined ? {} : { fixedIn: finding.fixedIn }),
        })),
      },
    },
    metadata: { scanStartedOn: newest, scanFinishedOn: newest },
  }
}
