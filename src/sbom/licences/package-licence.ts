import { type CopyrightFile, type LicenceField, parseCopyrightFile } from './copyright-file.ts'
import { formatLicenceExpression, join, type LicenceExpression, one } from './licence-expression.ts'
import { licenceTextReader } from './recognise-text.ts'
import { type ExtractedLicence, PUBLIC_DOMAIN, type Resolution, resolveName } from './resolve-name.ts'
import { LONGEST_SYNOPSIS, parseSynopsis, type Synopsis } from './synopsis.ts'

/** What a package's copyright file declares. */
export interface PackageLicence {
  /** An SPDX licence expression, sorted and without duplicates; absent where any part could not be classified. */
  readonly expression?: string
  /** How it was read: `copyright-format 1.0`, or by which signs in free text. */
  readonly by: string
  /** The licences that the expression names and SPDX's list does not have, by id. */
  readonly extracted: readonly ExtractedLicence[]
  /** Why there is no expression, a line for each part that could not be classified; empty where there is one. */
  readonly unclassified: readonly string[]
}

/** Statements in one file; the longest known has some hundreds that differ. */
const MAX_STATEMENTS = 5000
/** Different names in one file. */
const MAX_NAMES = 2000
/** Characters of texts kept for one package. */
const MAX_KEPT = 2 ** 24
const MAX_REASONS = 20
/** A first line of so many words that is no list of names is the text of a licence. */
const PROSE = 7

/**
 * Reads the licence of a package from its copyright file: machine-readable ones by what they state, others by the texts,
 * grants and references in them. Never throws: what cannot be read is in `unclassified`.
 */
export function readPackageLicence(text: string): PackageLicence {
  const file = parseCopyrightFile(text)
  return file === undefined ? fromFreeText(text) : fromStatements(file)
}

/** A package whose licence cannot be known, and why. */
export function unclassifiedLicence(reason: string): PackageLicence {
  return { by: 'nothing', extracted: [], unclassified: [reason] }
}

function fromStatements(file: CopyrightFile): PackageLicence {
  const by = 'copyright-format 1.0'
  const tooMany = file.stated.length > MAX_STATEMENTS
  if (tooMany) return { ...unclassifiedLicence(`has more than ${MAX_STATEMENTS} statements`), by }
  const texts = textsOf(file)
  const read = licenceTextReader()
  const findings = new Findings()
  const seen = new Map<string, Map<string, Resolution>>()
  const take: Take = (name, { own = '', shared = '' }) => {
    const text = own || texts.get(keyOf(name)) || shared
    const byText = seen.get(keyOf(name)) ?? new Map<string, Resolution>()
    seen.set(keyOf(name), byText)
    if (seen.size > MAX_NAMES) return findings.refuse(`has more than ${MAX_NAMES} licence names`)
    const resolution = byText.get(text) ?? resolveName(name, text, read)
    byText.set(text, resolution)
    if (resolution.kind === 'unknown') return findings.refuse(resolution.reason)
    if (resolution.extracted !== undefined) findings.keep(resolution.extracted)
    return resolution.expression
  }
  for (const field of file.stated) {
    const text = field.text === '' ? (texts.get(keyOf(field.synopsis)) ?? '') : field.text
    const expression = fromField({ ...field, text }, take)
    if (expression !== undefined) findings.add(expression)
  }
  return findings.result(by)
}

/** Finds what a name means; its text is its own, else the file's for that name, else one that stands below several names. */
type Take = (name: string, text: { readonly own?: string; readonly shared?: string }) => LicenceExpression | undefined

function fromField({ synopsis, text }: LicenceField, take: Take): LicenceExpression | undefined {
  const parsed = parseSynopsis(synopsis)
  // A file may begin with the licence's text where its short name should stand: it is a licence without a name.
  const isProse = text !== '' || synopsis.split(' ', PROSE).length === PROSE
  if (parsed === undefined && (!isProse || synopsis.length > LONGEST_SYNOPSIS)) return take(synopsis.slice(0, 80), {})
  if (parsed === undefined) return take('unnamed', { own: `${synopsis}\n${text}`.trim() })
  if (parsed.kind === 'name') return take(parsed.name, { own: text })
  return fromSynopsis(parsed, text, take)
}

function fromSynopsis(synopsis: Synopsis, text: string, take: Take): LicenceExpression | undefined {
  if (synopsis.kind === 'name') return take(synopsis.name, { shared: text })
  const parts = synopsis.parts.map((part) => fromSynopsis(part, text, take))
  const known = parts.filter((part) => part !== undefined)
  return known.length === parts.length ? join(synopsis.kind, known) : undefined
}

/** The text that the file has for a name: a stand-alone paragraph, or one with files; the first with words in it. */
function textsOf({ stated, texts }: CopyrightFile): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { synopsis, text } of [...texts, ...stated]) {
    if (text !== '' && !found.has(keyOf(synopsis))) found.set(keyOf(synopsis), text)
  }
  return found
}

function keyOf(name: string): string {
  return name
    .slice(0, 2000)
    .toLowerCase()
    .replace(/[\s;.,]{1,20}$/, '')
    .replace(/\s+/g, ' ')
}

function fromFreeText(text: string): PackageLicence {
  const { digest, recognised } = licenceTextReader()(text)
  const { found, statements, unclear, publicDomain } = recognised
  const findings = new Findings()
  for (const { id } of found) findings.add(one(id))
  if (publicDomain !== '') {
    findings.add(one(PUBLIC_DOMAIN))
    findings.keep({ id: PUBLIC_DOMAIN, name: 'public domain', text: publicDomain })
  }
  for (const reason of unclear) findings.refuse(reason)
  if (statements.length > 0) {
    // Terms that SPDX's list does not have: as with an unknown short name, they are kept as they stand, the file whole.
    const id = `LicenseRef-debian-statements-${digest.slice(0, 8)}`
    findings.add(one(id))
    findings.keep({ id, name: `statements without a name: ${statements.join(' | ')}`, text })
  }
  const signs = found.map(({ id, by }) => `${id} by ${by}`).sort()
  const kept = statements.length === 0 ? '' : `; ${statements.length} statements kept with the file's text`
  return findings.result(`free text: ${signs.join(', ') || 'no known licence in it'}${kept}`)
}

/** What has been found in one copyright file so far. */
class Findings {
  readonly #parts: LicenceExpression[] = []
  readonly #kept = new Map<string, { readonly name: string; readonly texts: Set<string> }>()
  readonly #reasons = new Set<string>()

  add(expression: LicenceExpression): void {
    this.#parts.push(expression)
  }

  refuse(reason: string): undefined {
    this.#reasons.add(reason)
  }

  /** Texts under one id are joined, each once: that is so for the public domain only. */
  keep({ id, name, text }: ExtractedLicence): void {
    const kept = this.#kept.get(id) ?? { name, texts: new Set() }
    kept.texts.add(text)
    this.#kept.set(id, kept)
  }

  result(by: string): PackageLicence {
    const kept = [...this.#kept].sort(([a], [b]) => (a < b ? -1 : 1))
    const length = kept.reduce((sum, [, { texts }]) => [...texts].reduce((own, text) => own + text.length, sum), 0)
    if (length > MAX_KEPT) this.refuse('repeats long texts under more names than can be kept')
    if (this.#parts.length === 0 && this.#reasons.size === 0) this.refuse('names no licence that is known')
    const unclassified = [...this.#reasons].sort().slice(0, MAX_REASONS)
    if (unclassified.length > 0) return { by, extracted: [], unclassified }
    const extracted = kept.map(([id, { name, texts }]) => ({ id, name, text: [...texts].join('\n\n') }))
    return { expression: formatLicenceExpression(join('and', this.#parts)), by, extracted, unclassified }
  }
}
