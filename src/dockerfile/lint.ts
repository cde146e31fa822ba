import { type DockerfileText, parseDockerfile } from './read-dockerfile.ts'
import { LINT_RULES, type LintContext, type Offence } from './rules.ts'

export type { LintContext } from './rules.ts'

/** What breaks a rule in a Dockerfile. */
export interface LintFinding extends Offence {
  readonly rule: string
  readonly severity: 'error' | 'warning'
  readonly reason: string
  readonly remedy: string
  /** Why its owner has it so: a comment before it says. */
  readonly ignored?: string
}

const IGNORE = /^casemate ignore=([\w,-]+)(?:\s+(.*))?$/
const WRONG_IGNORE = {
  rule: 'ignore-reasoned',
  severity: 'error',
  reason: 'Who comes next cannot tell whether it still holds.',
  remedy: 'Write `# casemate ignore=RULE why`.',
} as const

/**
 * Holds a Dockerfile against all rules, findings by line. `# casemate ignore=RULE,… reason` accepts what the instruction below it breaks;
 * without a reason, or naming no rule, it is a finding itself. Throws `DOCKERFILE_INVALID`.
 */
export function lintDockerfile(
  text: string,
  context: LintContext,
  args: ReadonlyMap<string, string> = new Map(),
): readonly LintFinding[] {
  const dockerfile = parseDockerfile(text, context.file, args)
  const { ignores, faults } = readIgnores(dockerfile)
  const found = LINT_RULES.flatMap(({ name, severity, reason, remedy, check }) =>
    check(dockerfile, context).map((offence): LintFinding => {
      const ignored = ignores.get(offence.line)?.get(name)
      return { rule: name, severity, reason, remedy, ...offence, ...(ignored === undefined ? {} : { ignored }) }
    }),
  )
  return [...found, ...faults].sort((left, right) => left.line - right.line || (left.rule < right.rule ? -1 : 1))
}

/** The text with every fix of findings that nobody has accepted; of two fixes of one place the first counts. */
export function applyFixes(text: string, findings: readonly LintFinding[]): string {
  const fixes = findings
    .flatMap(({ fix, ignored }) => (fix === undefined || ignored !== undefined ? [] : [fix]))
    .sort((left, right) => right.place.start - left.place.start)
  let fixed = text
  let last = text.length + 1
  for (const { place, text: better } of fixes) {
    if (place.end >= last) continue
    fixed = fixed.slice(0, place.start) + better + fixed.slice(place.end)
    last = place.start
  }
  return fixed
}

/** Which rules are accepted for which line: those of the comments directly above an instruction. */
function readIgnores({ comments, head, stages }: DockerfileText) {
  const lines = [...head, ...stages.flatMap(({ from, steps }) => [from, ...steps])].map(({ line }) => line)
  const names = new Set(LINT_RULES.map(({ name }) => name))
  const ignores = new Map<number, Map<string, string>>()
  const faults: LintFinding[] = []
  for (const [line, comment] of comments) {
    const [, rules, reason = ''] = IGNORE.exec(comment.trim()) ?? []
    if (rules === undefined) continue
    const next = lines.find((one) => one > line)
    const own = ignores.get(next ?? 0) ?? new Map<string, string>()
    ignores.set(next ?? 0, own)
    for (const rule of rules.split(',')) {
      if (!names.has(rule)) faults.push({ ...WRONG_IGNORE, line, message: `there is no rule ${rule}` })
      else if (reason.trim() === '')
        faults.push({ ...WRONG_IGNORE, line, message: `nothing says why ${rule} is ignored` })
      else own.set(rule, reason.trim())
    }
  }
  return { ignores, faults }
}
