import { visibleText } from '#core'
import {
  type Changelog,
  isDowngrade,
  type ReleasedContractChange,
  type ReleasedFinding,
  type ReleasedPackageChange,
} from './changelog.ts'

/** Writes a changelog as Markdown (CommonMark with GitHub's tables), from its second-level heading on. */
export function formatChangelog(changelog: Changelog): string {
  const { image, variant, from, to, packages, findings, contract = [] } = changelog
  const title = variant === 'runtime' ? image : `${image} (${variant})`
  const breaking = contract.filter(({ breaks }) => breaks)
  const sections = [
    [`## ${cell(title)} ${to.tags.map(code).join(', ')}`.trimEnd()],
    [`${to.released.slice(0, 10)}, ${code(to.digest)}${from === undefined ? '' : `, after ${code(from.digest)}`}`],
    breaking.length === 0 ? [] : ['**Breaks the contract:**', '', ...breaking.map(contractLine)],
    findingLines(changelog),
    packages.length === 0 ? [] : packageTable(packages),
    contract.length === breaking.length ? [] : otherPromises(contract),
    from === undefined ? ['The first release.'] : [],
    from !== undefined && packages.length === 0 && contract.length === 0 && !isAny(findings)
      ? ['No package changed.']
      : [],
  ]
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function isAny(findings: Changelog['findings']): boolean {
  return findings !== undefined && findings.closed.length + (findings.opened?.length ?? 0) > 0
}

function findingLines({ from, findings }: Changelog): string[] {
  if (from === undefined) return []
  if (findings === undefined) return ['What findings it closes and opens is not known.']
  const list = (word: string, found: readonly ReleasedFinding[]) =>
    found.length === 0 ? [] : [`${word} ${found.length}: ${found.map(finding).join(', ')}.`]
  const opened = findings.opened === undefined ? ['What it opens is not known.'] : list('Opens', findings.opened)
  return [...list('Closes', findings.closed), ...opened]
}

function finding({ id, package: name, severity }: ReleasedFinding): string {
  return `${cell(id)} (${cell(name)}, ${severity})`
}

function packageTable(packages: readonly ReleasedPackageChange[]): string[] {
  return [
    '| package | from | to |',
    '| --- | --- | --- |',
    ...packages.map((change) => {
      const { package: name, from, to, platforms } = change
      const where = platforms === undefined ? '' : ` (${platforms.map(cell).join(', ')})`
      const back = isDowngrade(change) ? ' (older)' : ''
      return `| ${cell(name)}${where} | ${from === undefined ? 'new' : cell(from)} | ${to === undefined ? 'removed' : cell(to) + back} |`
    }),
  ]
}

function otherPromises(contract: readonly ReleasedContractChange[]): string[] {
  return ['New in the contract:', '', ...contract.filter(({ breaks }) => !breaks).map(contractLine)]
}

function contractLine({ promise, from, to }: ReleasedContractChange): string {
  return `- ${cell(promise)}: ${value(from)} → ${value(to)}`
}

function value(promised: string | readonly string[] | undefined): string {
  if (promised === undefined) return 'none'
  return code(typeof promised === 'string' ? promised : promised.join(' ')) || 'none'
}

/** As code; what would end the code, or the line, is shown otherwise. */
function code(text: string): string {
  const shown = visibleText(text).replaceAll('`', "'").replaceAll('|', '\\|')
  return shown === '' ? '' : `\`${shown}\``
}

/** As text that nothing of Markdown or HTML is seen in. */
function cell(text: string): string {
  return visibleText(text).replace(/[\\`*_{}[\]<>()#!|&]/g, '\\$&')
}
