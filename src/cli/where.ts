import { CasemateError } from '#core'
import { type ExitStatus, exitStatus, formatError, statusOfError } from './exit-status.ts'
import { formatTable, type Terminal } from './terminal.ts'
import type { StaleOptions } from './verb.ts'
import { visibleText } from './visible-text.ts'
import { digestQuestion, parseAskedDigest } from './where-digest.ts'
import { issueQuestion, parseIssueId } from './where-issue.ts'
import { packageQuestion } from './where-package.ts'
import type { Answer, Question } from './where-question.ts'

/** The options of `casemate where`, as the command line gives them. */
export interface WhereOptions extends StaleOptions {
  readonly platform: string
  readonly json?: boolean
}

/** An image that was asked. */
interface Asked {
  readonly reference: string
  /** `undefined` where the image could not be read. */
  readonly answer: Answer | undefined
  /** Why it could not be read. */
  readonly error: string | null
}

/**
 * Prints which images have a package, an issue or a digest, in the order in which they are given; the status is "no" when
 * none has. An image that cannot be read is named, the others are looked at, and the status says that it could not be done.
 * Throws `USAGE_INVALID` for what is none of these, and as `issueQuestion` does.
 */
export async function runWhere(
  what: string,
  references: readonly string[],
  options: WhereOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const question = questionOf(what, options, terminal)
  const asked: Asked[] = []
  let failed: ExitStatus = exitStatus.done
  try {
    for (const reference of references) {
      terminal.progress(`reading ${reference} …`)
      try {
        const answer = await question.ask(reference)
        for (const fault of answer.faults) terminal.warn(visibleText(`${reference}: ${fault}`))
        asked.push({ reference, answer, error: null })
      } catch (error) {
        if (!(error instanceof CasemateError)) throw error
        failed = statusOfError(error)
        terminal.warn(visibleText(formatError(error)))
        asked.push({ reference, answer: undefined, error: formatError(error) })
      }
    }
  } finally {
    question.close()
  }
  terminal.progress('')
  if (options.json === true) terminal.print(formatWhereJson(question, asked))
  else for (const line of whereLines(question, asked, terminal)) terminal.print(line)
  if (failed !== exitStatus.done) return failed
  return asked.some(({ answer }) => answer?.has) ? exitStatus.done : exitStatus.no
}

function questionOf(what: string, options: WhereOptions, terminal: Terminal): Question {
  const digest = parseAskedDigest(what)
  if (digest !== undefined) return digestQuestion(digest, options.platform)
  const issue = parseIssueId(what)
  return issue === undefined ? packageQuestion(what, options.platform) : issueQuestion(issue, options, terminal)
}

/** A row for each place; a table of one column needs no titles. Nothing is cut: other programs read it, too. */
function whereLines(
  { kind, what, head }: Question,
  asked: readonly Asked[],
  terminal: Pick<Terminal, 'style'>,
): readonly string[] {
  const rows = asked.flatMap(({ reference, answer }) => (answer?.rows ?? []).map((row) => [reference, ...row]))
  const table = (lines: readonly (readonly string[])[]) =>
    formatTable(
      lines.map((line) => line.map(visibleText)),
      { width: Number.POSITIVE_INFINITY },
    )
  if (kind === 'package') return table(rows)
  const answers = asked.flatMap(({ answer }) => answer ?? [])
  const having = answers.filter(({ has }) => has).length
  const without = answers.filter(({ has, rows: own }) => !has && own.length > 0).length
  const summary = [
    `${what}: in ${having} of ${asked.length} images`,
    ...(without === 0 ? [] : [`${without} known not to have it`]),
    ...(answers.length === asked.length ? [] : [`${asked.length - answers.length} could not be read`]),
  ].join(' · ')
  if (rows.length === 0) return [terminal.style('bold', summary)]
  const [titles = '', ...lines] = table([['image', ...head], ...rows])
  return [terminal.style('bold', summary), '', terminal.style('dim', titles), ...lines]
}

/** `casemate.where/v1`: every image in the order given, with what it has. */
function formatWhereJson({ kind, what, nothing }: Question, asked: readonly Asked[]): string {
  const images = asked.map(({ reference, answer, error }) => {
    return { reference, digest: answer?.digest ?? null, ...(answer?.found ?? nothing), error }
  })
  return JSON.stringify({ schema: 'casemate.where/v1', [kind]: what, images }, null, 2)
}
