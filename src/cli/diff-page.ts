import type { ContractChange } from '#sandbox'
import type {
  ImageComparison,
  InventoriedImage,
  PackageChange,
  PackageChangeKind,
  PackageFileCounts,
  SettingChange,
} from '#sbom'
import { fileRows, permissionRows, privilegeRows } from './diff-files.ts'
import type { DiffFindings } from './diff-findings.ts'
import { findingNotes, findingSections, findingSummary } from './diff-findings-page.ts'
import { licenceSections, licenceSummary } from './diff-licences.ts'
import { formatBytes } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** What a page of differences is made from. */
export interface DiffInput {
  readonly from: DiffSide
  readonly to: DiffSide
  readonly comparison: ImageComparison
  /** Empty where they are the same, or where one has none that can be read. */
  readonly contract: readonly ContractChange[]
  readonly findings: DiffFindings
  readonly isSame: boolean
}

/** One of the two images, as people name it. */
export interface DiffSide {
  readonly reference: string
  readonly image: InventoriedImage
  /** `Debian GNU/Linux 13 (trixie)`; empty where the image does not say. */
  readonly distribution: string
  readonly packages: number
}

/** Differences as a page, for a terminal or for Markdown. */
export interface DiffPage {
  /** One line. */
  readonly summary: string
  /** Name, then the value of each image. */
  readonly facts: readonly (readonly [string, string, string])[]
  /** A sentence each: on what the page rests, and what it leaves out. */
  readonly notes: readonly string[]
  readonly sections: readonly DiffSection[]
}

/**
 * A list of the page. A `values` section has the columns name, from and to, and its values may be long; one of `files` or of
 * `findings` may be cut on a terminal, with the number of rows left out; in the last column of `packages` are names.
 */
export interface DiffSection {
  readonly kind: 'values' | 'packages' | 'files' | 'findings'
  readonly title: string
  readonly head: readonly string[]
  /** Never empty. */
  readonly rows: readonly (readonly string[])[]
}

const NONE = '–'
/** Characters of a value that people are shown; `--json` has it whole. */
const VALUE_LENGTH = 400
/** Labels that repeat the contract, which has rows of its own. */
const CONTRACT_LABEL = /^dev\.casemate\.contract(?:\.|$)/

/** Lays out what differs: what a reviewer must not miss first. */
export function diffPage(input: DiffInput): DiffPage {
  const { packages, licences, files } = input.comparison
  const fileSection = (title: string, head: readonly string[], rows: DiffSection['rows']): DiffSection => ({
    kind: 'files',
    title,
    head,
    rows,
  })
  const values = (title: string, rows: DiffSection['rows']): DiffSection => ({
    kind: 'values',
    title,
    head: ['', 'from', 'to'],
    rows,
  })
  return {
    summary: summaryOf(input),
    facts: factsOf(input),
    notes: findingNotes(input.findings),
    sections: [
      ...findingSections(input.findings),
      fileSection('Privileged files gained', ['lends', 'package', 'path'], privilegeRows(files.privilegesGained)),
      fileSection('Privileged files lost', ['lent', 'package', 'path'], privilegeRows(files.privilegesLost)),
      values('Contract', contractRows(input.contract)),
      values('Configuration', settingRows(input)),
      ...packageSections(packages, files.packages),
      ...licenceSections(licences),
      fileSection('Modes and owners', ['from', 'to', 'package', 'path'], permissionRows(files.permissions)),
      fileSection(
        'Files that differ though their package does not',
        ['', 'what', 'package', 'path'],
        fileRows(files.unexpected),
      ),
      fileSection(
        'Files outside of packages',
        ['', 'what', 'path'],
        fileRows(files.outside).map(([sign, what, , path]) => [sign, what, path]),
      ),
    ].filter(({ rows }) => rows.length > 0),
  }
}

function summaryOf({ comparison, contract, findings, from, to, isSame }: DiffInput): string {
  if (isSame) {
    return from.image.digest === to.image.digest
      ? 'The same image.'
      : 'The same contents in another packing: times, order of layers or compression.'
  }
  const { packages, licences, files, settings, sizes } = comparison
  const count = (kind: PackageChangeKind) =>
    packages.filter((change) => change.kind === kind).reduce((sum, change) => sum + change.packages.length, 0)
  const kinds = (['upgraded', 'downgraded', 'changed', 'added', 'removed'] as const).filter((kind) => count(kind) > 0)
  const parts = [
    kinds.length === 0 ? 'no package differs' : `packages: ${kinds.map((kind) => `${count(kind)} ${kind}`).join(', ')}`,
    findingSummary(findings),
    licenceSummary(licences),
    contract.length === 0 ? '' : `contract: ${[...new Set(contract.map(({ key }) => key))].join(', ')}`,
    contract.length > 0 || settings.length === 0 ? '' : `${settings.length} settings`,
    files.privilegesGained.length === 0 ? '' : `${files.privilegesGained.length} privileged files gained`,
    files.unexpected.length === 0 ? '' : `${files.unexpected.length} paths of unchanged packages`,
    files.outside.length === 0 ? '' : `${files.outside.length} paths outside of packages`,
    signedBytes(sizes.stored.to - sizes.stored.from),
  ]
  return parts.filter((part) => part !== '').join(' · ')
}

function signedBytes(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${formatBytes(Math.abs(bytes))} stored`
}

function factsOf({ from, to, comparison }: DiffInput): DiffPage['facts'] {
  const { sizes, layers } = comparison
  const shared = layers.shared.length
  const bytes = ({ from: left, to: right }: { from: number; to: number }) =>
    [formatBytes(left), formatBytes(right)] as const
  return [
    ['image', visibleText(from.reference), visibleText(to.reference)],
    ['digest', shortDigest(from.image), shortDigest(to.image)],
    ['distribution', visibleText(from.distribution) || NONE, visibleText(to.distribution) || NONE],
    ['packages', `${from.packages}`, `${to.packages}`],
    ['stored', ...bytes(sizes.stored)],
    ['unpacked', ...bytes(sizes.unpacked)],
    ['layers', `${shared + layers.removed.length}`, `${shared + layers.added.length}, ${shared} of them shared`],
    ['to fetch', NONE, formatBytes(sizes.toFetch)],
  ]
}

function shortDigest({ digest }: InventoriedImage): string {
  return digest.slice(0, 'sha256:'.length + 12)
}

/** Packages by how they changed, with the number of files that did where it is known. Sections may be empty. */
export function packageSections(
  changes: readonly PackageChange[],
  counts: readonly PackageFileCounts[],
): readonly DiffSection[] {
  const countOf = new Map(counts.map((one) => [one.package, one]))
  const section = (kind: PackageChangeKind): DiffSection => {
    const own = changes.filter((change) => change.kind === kind)
    const isOneSided = kind === 'added' || kind === 'removed'
    const rows = own.map(({ source, from, to, packages }) => {
      const names = packages.map(({ name }) => name)
      const versions = isOneSided ? [(to ?? from)?.version] : [from?.version, to?.version]
      const files = fileCount(names.flatMap((name) => countOf.get(name) ?? []))
      return [source, ...versions.map((version) => version ?? NONE), files, names.join(', ')].map(visibleText)
    })
    const versions = isOneSided ? ['version'] : ['from', 'to']
    const count = own.reduce((sum, { packages }) => sum + packages.length, 0)
    return {
      kind: 'packages',
      title: `Packages ${kind} (${count})`,
      head: ['source', ...versions, 'files', 'packages'],
      rows,
    }
  }
  return (['upgraded', 'downgraded', 'changed', 'removed', 'added'] as const).map(section)
}

/** `+3 -1 ~20`: added, removed and changed. */
function fileCount(counts: readonly PackageFileCounts[]): string {
  const total = (key: 'added' | 'removed' | 'changed') => counts.reduce((sum, one) => sum + one[key], 0)
  const parts = [`+${total('added')}`, `-${total('removed')}`, `~${total('changed')}`]
  return parts.filter((part) => part.length > 2 || !part.endsWith('0')).join(' ')
}

function contractRows(contract: readonly ContractChange[]): DiffSection['rows'] {
  return contract.map(({ key, name, from, to }) => [
    name === '' ? key : `${key} ${name}`,
    valueText(from),
    valueText(to),
  ])
}

/** The settings that the contract's rows do not show already. */
function settingRows({ comparison, contract }: DiffInput): DiffSection['rows'] {
  const shown = new Set<string>(contract.map(({ key, name }) => `${key} ${name}`))
  return comparison.settings
    .filter(({ setting, name }) => !shown.has(`${setting} ${name}`))
    .filter(({ setting, name }) => setting !== 'labels' || !CONTRACT_LABEL.test(name))
    .map(({ setting, name, from, to }) => [visibleText(settingName(setting, name)), valueText(from), valueText(to)])
}

function settingName(setting: SettingChange['setting'], name: string): string {
  if (name === '') return setting
  return setting === 'labels' ? `label ${name}` : `${setting} ${name}`
}

/** A value as people are shown it. */
export function valueText(value: SettingChange['from']): string {
  if (value === undefined || value.length === 0) return NONE
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return visibleText(text.length > VALUE_LENGTH ? `${text.slice(0, VALUE_LENGTH)}…` : text)
}
