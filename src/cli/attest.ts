import { readFile } from 'node:fs/promises'
import { predicateName, predicateType } from '#attest'
import { type Json, messageOf, readStrictJson } from '#core'
import { type AttachOutcome, attachTogether, type NewEvidence, type Signing } from '#evidence'
import type { Descriptor } from '#oci'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readInventory } from './image-inventory.ts'
import { imageStatements } from './image-statements.ts'
import { everySubject, findSubjects, type ImageSubjects, nameToSign } from './image-subjects.ts'
import { type SigningOptions, signatoryOf, signingNow } from './signatory.ts'
import type { Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate attest`, as the command line gives them. */
export interface AttestOptions extends SigningOptions {
  readonly type?: string
  readonly predicate?: string
  readonly platform?: string
  readonly author: string
  readonly signedAs?: string
  readonly json?: boolean
}

/** One statement that is attached now. */
interface Attested {
  readonly title: string
  readonly digest: string
  readonly type: string
  readonly outcome: AttachOutcome
}

/** The most bytes of a predicate that is read from a file. */
const PREDICATE_LIMITS = { maxBytes: 32 * 2 ** 20, maxDepth: 64 }

/**
 * Makes what can be said of an image from its content and the advisories at hand, or takes a predicate from a file, signs it
 * and attaches it. Rejects with `USAGE_INVALID`, and as `findSubjects`, `readInventory` and the registry do.
 */
export async function runAttest(reference: string, options: AttestOptions, terminal: Terminal): Promise<ExitStatus> {
  const own = await ownStatement(options)
  const signatory = await signatoryOf(options)
  const image = await findSubjects(reference)
  try {
    const signedAs = nameToSign(image, options.signedAs)
    const signing = signingNow({ repository: image.repository, signatory, signedAs })
    const attested = await attachAll(await statementsOf(image, { own, options, terminal }), signing)
    printAttested(attested, { signedBy: signatory.name, signedAs, json: options.json === true }, terminal)
    return exitStatus.done
  } finally {
    await image.repository.close()
  }
}

/** What is to be said of one manifest, by its name for people. */
interface SaidOf {
  readonly title: string
  readonly subject: Descriptor
  readonly statements: readonly NewEvidence[]
}

/** Signs statements about manifests and attaches them. */
async function attachAll(said: readonly SaidOf[], signing: Signing): Promise<Attested[]> {
  const reports = await attachTogether(
    said.map(({ subject, statements }) => ({ subject, statements, isSigned: false, signing })),
  )
  return said.flatMap(({ title, subject: { digest }, statements }, at) => {
    return statements.map(({ predicateType }, number) => ({
      ...{ title, digest, type: predicateName(predicateType) },
      outcome: reports[at]?.statements[number] ?? 'present',
    }))
  })
}

async function statementsOf(
  image: ImageSubjects,
  { own, options, terminal }: { own: NewEvidence | undefined; options: AttestOptions; terminal: Terminal },
) {
  const subjects = everySubject(image)
  const chosen = subjects.filter(({ title }) => options.platform === undefined || title === options.platform)
  if (chosen.length === 0) {
    const known = subjects.map(({ title }) => title).join(', ')
    throw new UsageError('USAGE_INVALID', `cannot attest ${options.platform}: the image has ${known}`)
  }
  if (own !== undefined) return chosen.map((one) => ({ ...one, statements: [own] }))
  const found = []
  for (const one of image.platforms.length > 0 ? chosen.filter(({ title }) => title !== 'index') : chosen) {
    const name = image.referenceOf(one.subject.digest)
    terminal.progress(`reading ${one.title} …`)
    const platform = one.title === 'image' ? options.platform : one.title
    const inventory = await readInventory(name, platform, { licences: true, account: true })
    terminal.progress('')
    for (const fault of inventory.faults) terminal.warn(visibleText(fault))
    const { statements, notices } = imageStatements(inventory, {
      author: options.author,
      signedAs: nameToSign(image, options.signedAs),
      index: image.top.digest,
    })
    for (const notice of notices) terminal.warn(notice)
    found.push({ ...one, statements })
  }
  return found
}

/** The statement that a file holds; `undefined` where none is named. Throws `USAGE_INVALID`. */
async function ownStatement({ type, predicate }: AttestOptions): Promise<NewEvidence | undefined> {
  if (type === undefined && predicate === undefined) return undefined
  if (type === undefined || predicate === undefined) {
    throw new UsageError('USAGE_INVALID', 'cannot attest a predicate: want both --type and --predicate')
  }
  const wanted = predicateType(type)
  if (wanted === undefined) throw new UsageError('USAGE_INVALID', `cannot attest "${type}": want a short name or a URI`)
  const bytes = await readFile(predicate).catch((cause: unknown) => {
    throw new UsageError('USAGE_INVALID', `cannot read ${predicate}: ${messageOf(cause)}`, { cause })
  })
  const read = readStrictJson(bytes, PREDICATE_LIMITS)
  if ('fault' in read) throw new UsageError('USAGE_INVALID', `cannot read ${predicate}: ${read.fault}`)
  return { predicateType: wanted, predicate: read.value as Json }
}

function printAttested(
  attested: readonly Attested[],
  { signedBy, signedAs, json }: { signedBy: string; signedAs: string; json: boolean },
  terminal: Terminal,
): void {
  if (json) {
    terminal.print(JSON.stringify({ schema: 'casemate.attest/v1', signedBy, signedAs, attested }, null, 2))
    return
  }
  for (const { title, type, outcome } of attested) {
    terminal.print(`${outcome === 'attached' ? 'attached' : 'was there'}  ${title.padEnd(14)} ${visibleText(type)}`)
  }
  terminal.print(`by ${signedBy}, as ${signedAs}`)
}
