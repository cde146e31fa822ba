import type { DiffPage, DiffSection } from './diff-page.ts'
import { formatTable, type Terminal } from './terminal.ts'

/** Rows of a list of files or findings that a terminal shows; `--json` has the rest. */
const TERMINAL_ROWS = 40
/** Characters that a list of names has at least, however narrow the terminal. */
const NAMES_WIDTH = 24
/** Rows that a page shows unfolded. */
const OPEN_ROWS = 8
/** Characters of a page; the hosts of pull requests take 65,536. */
const PAGE_LENGTH = 60_000
/** Rows of a list, tried until the page fits. */
const PAGE_ROWS = [2000, 500, 200, 100, 50, 20, 5]

/** Writes a page for a terminal. */
export function formatDiffText(page: DiffPage, terminal: Pick<Terminal, 'width' | 'style'>): readonly string[] {
  const { width } = terminal
  return [
    terminal.style('bold', page.summary),
    '',
    ...formatTable(page.facts, { width }),
    ...(page.notes.length === 0 ? [] : ['', ...page.notes]),
    ...page.sections.flatMap((section) => {
      const isCut = section.kind === 'files' || section.kind === 'findings'
      const rows = isCut ? section.rows.slice(0, TERMINAL_ROWS) : section.rows
      const left = section.rows.length - rows.length
      return [
        '',
        terminal.style('bold', section.title),
        ...(section.kind === 'values' ? rows.flatMap(valueLines) : tableLines({ ...section, rows }, terminal)),
        ...(left > 0 ? [`  … and ${left} more, which --json lists`] : []),
      ]
    }),
  ]
}

function valueLines([name = '', from = '', to = '']: readonly string[]): readonly string[] {
  return [`  ${name}`, `    from  ${from}`, `    to    ${to}`]
}

/** Nothing is cut: lists of packages are broken into lines, and a long path is the terminal's own to break. */
function tableLines(
  { kind, head, rows }: DiffSection,
  { width, style }: Pick<Terminal, 'width' | 'style'>,
): readonly string[] {
  const broken = kind === 'packages' ? brokenRows([head, ...rows], width - 2) : [head, ...rows]
  const [names = '', ...lines] = formatTable(broken, { width: Number.POSITIVE_INFINITY })
  return [style('dim', `  ${names}`), ...lines.map((line) => `  ${line}`)]
}

/** Breaks the last column, a list of names, into as many rows as its room in `width` asks for. */
function brokenRows(rows: readonly (readonly string[])[], width: number): readonly (readonly string[])[] {
  const widths = (rows[0] ?? [])
    .slice(0, -1)
    .map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const room = Math.max(NAMES_WIDTH, width - widths.reduce((sum, one) => sum + one + 2, 0))
  return rows.flatMap((row) => {
    const lines: string[] = []
    for (const name of row.at(-1)?.split(', ') ?? []) {
      const last = lines.at(-1)
      if (last === undefined || last.length + name.length + 3 > room) lines.push(name)
      else lines[lines.length - 1] = `${last}, ${name}`
    }
    const cells = lines.map((line, index) => (index === lines.length - 1 ? line : `${line},`))
    return cells.map((line, index) => [...row.slice(0, -1).map((cell) => (index === 0 ? cell : '')), line])
  })
}

/** Writes a page as Markdown that a pull request takes: long lists folded, and cut, with the number of rows left out. */
export function formatDiffMarkdown(page: DiffPage): string {
  for (const limit of PAGE_ROWS) {
    const text = markdown(page, limit)
    if (text.length <= PAGE_LENGTH) return text
  }
  const text = markdown({ ...page, sections: [] }, 0)
  return `${text}\nThe lists are too long for a page; \`casemate diff --json\` has them.\n`
}

function markdown({ summary, facts, notes, sections }: DiffPage, limit: number): string {
  const [names = ['', '', ''], ...others] = facts
  const blocks = [
    `**${escaped(summary)}**`,
    markdownTable(
      ['', code(names[1]), code(names[2])],
      others.map(([name, from, to]) => [name, escaped(from), escaped(to)]),
    ),
    ...notes.map(escaped),
    ...sections.flatMap((section) => markdownSection(section, limit)),
  ]
  return `${blocks.join('\n\n')}\n`
}

function markdownSection({ title, head, rows }: DiffSection, limit: number): readonly string[] {
  const shown = rows.slice(0, limit)
  const left = rows.length - shown.length
  const content = [
    markdownTable(
      head,
      shown.map((row) => row.map(code)),
    ),
    ...(left > 0 ? [`… and ${left} more.`] : []),
  ]
  if (rows.length <= OPEN_ROWS) return [`### ${title}`, ...content]
  const count = /\(\d+\)$/.test(title) ? '' : ` (${rows.length})`
  return [`<details><summary><b>${title}${count}</b></summary>`, ...content, '</details>']
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** A text of an image as code, whatever stands in it: a table ends at a bar even within code, and code at a backtick. */
function code(text: string): string {
  if (/^(?:|–|[+~-]?\d*(?: [+~-]\d+)*)$/.test(text)) return text
  const runs = text.match(/`+/g) ?? []
  const fence = '`'.repeat(1 + Math.max(0, ...runs.map((run) => run.length)))
  const padding = runs.length > 0 ? ' ' : ''
  return `${fence}${padding}${text.replaceAll('|', '\\|')}${padding}${fence}`
}

function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>|@#]/g, '\\$&')
}
