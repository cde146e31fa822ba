import { compareVersions } from '#debian'
import {
  compareDefinitions,
  DEFINITION_PARTS,
  type DefinitionChange,
  type EffectiveDefinition,
  type LockedPackage,
  openDefinition,
  packagesOf,
  parseLock,
} from '#image'
import { comparePackages, type PackageChange } from '#sbom'
import { variantOf } from './build.ts'
import type { DiffOptions } from './diff.ts'
import { formatDiffMarkdown, formatDiffText } from './diff-formats.ts'
import { type DiffPage, type DiffSection, packageSections, valueText } from './diff-page.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readLockText } from './lock-choice.ts'
import type { Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** One of two definitions, with the packages of its lock for a platform, if it has one. */
interface DefinitionSide {
  readonly reference: string
  readonly effective: EffectiveDefinition
  readonly packages: readonly LockedPackage[] | undefined
}

const TITLES: Readonly<Record<DefinitionChange['part'], string>> = {
  contract: 'Contract',
  program: 'Program and its settings',
  packages: 'What is asked for',
  accounts: 'Accounts',
  paths: 'Paths',
  tests: 'Tests',
  about: 'About the image',
}

/**
 * Prints in what two definitions differ once everything they extend or stack on is merged in, and in which packages their locks
 * do; the status is "no" when they differ. Rejects as `openDefinition` and `parseLock` do, with `USAGE_INVALID` for a variant
 * that one of them does not have.
 */
export async function runDiffDefinitions(
  references: readonly [string, string],
  options: DiffOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const from = await openSide(references[0], options)
  const to = await openSide(references[1], options)
  const changes = compareDefinitions(from.effective, to.effective)
  const packages =
    from.packages === undefined || to.packages === undefined
      ? undefined
      : comparePackages(from.packages, to.packages, compareVersions)
  const isSame = changes.length === 0 && (packages ?? []).length === 0
  if (options.json === true) terminal.print(formatJson({ from, to, changes, packages, isSame }))
  else {
    const page = pageOf({ from, to, changes, packages, isSame })
    if (options.markdown === true) terminal.print(formatDiffMarkdown(page).trimEnd())
    else terminal.print(formatDiffText(page, terminal).join('\n'))
  }
  return isSame ? exitStatus.done : exitStatus.no
}

async function openSide(reference: string, { variant, platform }: DiffOptions): Promise<DefinitionSide> {
  const opened = await openDefinition(reference, { workingFolder: process.cwd() })
  const effective = variantOf(opened, variant)
  const text = await readLockText(opened.lockFile)
  const lock = text === undefined ? undefined : parseLock(text, opened.lockFile)
  const locked = lock?.platforms[platform] === undefined ? undefined : packagesOf(lock, platform, variant)
  return { reference, effective, packages: locked }
}

interface Difference {
  readonly from: DefinitionSide
  readonly to: DefinitionSide
  readonly changes: readonly DefinitionChange[]
  /** `undefined` where one of them has no lock for the platform. */
  readonly packages: readonly PackageChange[] | undefined
  readonly isSame: boolean
}

function pageOf({ from, to, changes, packages, isSame }: Difference): DiffPage {
  const count = (side: DefinitionSide) => (side.packages === undefined ? 'no lock' : String(side.packages.length))
  const without = [from, to].filter((side) => side.packages === undefined).map(({ reference }) => reference)
  const sections = DEFINITION_PARTS.map((part): DiffSection => {
    const own = changes.filter((change) => change.part === part)
    const rows = own.map((change) => [visibleText(change.name), valueText(change.from), valueText(change.to)])
    return { kind: 'values', title: TITLES[part], head: ['', 'from', 'to'], rows }
  })
  const counted = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
  const told = packages === undefined ? '' : ` and ${counted(packages.length, 'package change')}`
  return {
    summary: isSame
      ? 'The definitions make the same image.'
      : `The definitions differ: ${counted(changes.length, 'setting')}${told}.`,
    facts: [
      ['', visibleText(from.reference), visibleText(to.reference)],
      ['image', from.effective.image, to.effective.image],
      ['variant', from.effective.variant, to.effective.variant],
      ['packages', count(from), count(to)],
    ],
    notes: without.map(
      (reference) => `packages are not compared: ${visibleText(reference)} has no lock for the platform`,
    ),
    sections: [...sections, ...packageSections(packages ?? [], [])].filter(({ rows }) => rows.length > 0),
  }
}

/** `casemate.diff-definitions/v1`; packages are null where one definition has no lock for the platform. */
function formatJson({ from, to, changes, packages, isSame }: Difference): string {
  const side = ({ reference, effective: { image, variant } }: DefinitionSide) => ({ reference, image, variant })
  const document = {
    ...{ schema: 'casemate.diff-definitions/v1', isSame, from: side(from), to: side(to) },
    ...{ changes, packages: packages ?? null },
  }
  return JSON.stringify(document, (_, value: unknown) => (value === undefined ? null : value), 2)
}
