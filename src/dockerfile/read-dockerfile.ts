import { DockerfileParser, type Instruction, JSONInstruction, ModifiableInstruction } from 'dockerfile-ast'
import { DockerfileError } from './errors.ts'

/** A part of a text, by offsets. */
export interface Place {
  readonly start: number
  readonly end: number
}

/** One instruction with its flags, as written. */
export interface Step extends Place {
  readonly keyword: string
  readonly line: number
  /** Everything behind the keyword and its flags. */
  readonly content: string
  readonly contentStart: number
  /** `--from=x` is `from` with `x`; a flag can stand there more than once. */
  readonly flags: readonly { readonly name: string; readonly value: string; readonly place: Place }[]
  readonly isJson: boolean
}

/** As the parser tells places: both from 0. */
interface Position {
  readonly line: number
  readonly character: number
}

/** An image that a Dockerfile takes from outside itself. */
export interface UsedImage {
  /** As it is meant, variables put in; `undefined` where one has no value. */
  readonly name: string | undefined
  readonly written: string
  readonly place: Place
  readonly line: number
  readonly by: 'FROM' | 'COPY' | 'ADD' | 'RUN'
}

/** What is between one FROM and the next. */
export interface Stage {
  readonly from: Step
  /** What it is called, in lower case. */
  readonly name: string | undefined
  /** What it is built on: an image, another stage by its place, or nothing. */
  readonly base: UsedImage | { readonly stage: number } | 'scratch'
  readonly steps: readonly Step[]
}

/** A Dockerfile as far as its rules ask. */
export interface DockerfileText {
  readonly text: string
  readonly stages: readonly Stage[]
  /** What stands before the first FROM. */
  readonly head: readonly Step[]
  /** Comments by line. */
  readonly comments: ReadonlyMap<number, string>
}

const LONGEST = 2 ** 18
const MOST_LINES = 5000
const MOST_STAGES = 200
const VARIABLE = /\$(?:\{(\w+)(?::([-+])([^}]*))?\}|(\w+))/g

/**
 * Reads a Dockerfile; `args` are values of `--build-arg`, before which the defaults of ARG stand back. Throws `DOCKERFILE_INVALID` for
 * what has no FROM, or is longer than any is.
 */
export function parseDockerfile(
  text: string,
  file: string,
  args: ReadonlyMap<string, string> = new Map(),
): DockerfileText {
  const lines = lineStarts(text)
  if (text.length > LONGEST || lines.length > MOST_LINES) {
    throw new DockerfileError(
      'DOCKERFILE_INVALID',
      `cannot read ${file}: it is longer than ${LONGEST} characters or ${MOST_LINES} lines`,
    )
  }
  const parsed = DockerfileParser.parse(text)
  const offsetOf = ({ line, character }: Position) => (lines[line] ?? text.length) + character
  const steps = parsed.getInstructions().map((one) => stepOf(one, text, offsetOf))
  const first = steps.findIndex(({ keyword }) => keyword === 'FROM')
  if (first < 0) throw new DockerfileError('DOCKERFILE_INVALID', `cannot read ${file}: it has no FROM`)
  if (steps.filter(({ keyword }) => keyword === 'FROM').length > MOST_STAGES) {
    throw new DockerfileError('DOCKERFILE_INVALID', `cannot read ${file}: it has more than ${MOST_STAGES} stages`)
  }
  const head = steps.slice(0, first)
  const values = globalValues(head, args)
  const stages: Stage[] = []
  for (const step of steps.slice(first)) {
    const last = stages.at(-1)
    if (step.keyword === 'FROM') stages.push(stageOf(step, stages, values))
    else if (last !== undefined) stages[stages.length - 1] = { ...last, steps: [...last.steps, step] }
  }
  const comments = new Map(
    parsed.getComments().map((comment) => [(comment.getRange()?.start.line ?? 0) + 1, comment.getContent() ?? '']),
  )
  return { text, stages, head, comments }
}

/** Every image that is taken from outside: what stages are built on, and what files are copied or mounted from. */
export function imagesOf({ stages }: DockerfileText): readonly UsedImage[] {
  const names = new Set<string>()
  return stages.flatMap(({ base, steps, name }, number) => {
    const own = typeof base === 'object' && 'written' in base ? [base] : []
    const copied = steps.flatMap(copiedFrom).filter(({ written }) => !names.has(written.toLowerCase()))
    names.add(String(number))
    if (name !== undefined) names.add(name)
    return [...own, ...copied]
  })
}

function copiedFrom({ keyword, flags, line }: Step): readonly UsedImage[] {
  if (keyword !== 'COPY' && keyword !== 'ADD' && keyword !== 'RUN') return []
  return flags.flatMap(({ name, value, place }) => {
    const [, mounted] = /(?:^|,)from=([^,]+)/.exec(name === 'mount' ? value : '') ?? []
    const written = name === 'from' ? value : mounted
    if (written === undefined || written === '') return []
    const start = place.start + value.indexOf(written)
    // Neither builder puts variables into these, so one that is written there stands for nothing.
    const isMeant = !written.includes('$')
    return [
      {
        name: isMeant ? written : undefined,
        written,
        line,
        by: keyword,
        place: { start, end: start + written.length },
      },
    ]
  })
}

function stageOf(from: Step, before: readonly Stage[], values: ReadonlyMap<string, string>): Stage {
  const [, written = '', name] = /^(\S+)(?:\s+[aA][sS]\s+(\S+))?/.exec(from.content) ?? []
  const meant = expand(written, values)
  const stage = before.findLastIndex((one) => one.name !== undefined && one.name === meant?.toLowerCase())
  const start = from.contentStart + from.content.indexOf(written)
  const place = { start, end: start + written.length }
  const image: UsedImage = { name: meant, written, place, line: from.line, by: 'FROM' }
  const base = stage >= 0 ? { stage } : meant === 'scratch' ? 'scratch' : image
  return { from, name: name?.toLowerCase(), base, steps: [] }
}

/** Values of the ARGs before the first FROM, the only ones that FROM sees. */
function globalValues(head: readonly Step[], args: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const { content } of head.filter(({ keyword }) => keyword === 'ARG')) {
    for (const [, name = '', written] of content.matchAll(/(\w+)(?:=("[^"]*"|'[^']*'|\S*))?/g)) {
      const value = args.get(name) ?? (written === undefined ? undefined : expand(unquoted(written), values))
      if (value !== undefined) values.set(name, value)
    }
  }
  return values
}

/** Puts variables in; `undefined` where one has no value, or the result is empty. */
function expand(text: string, values: ReadonlyMap<string, string>): string | undefined {
  let expanded = ''
  let at = 0
  for (const match of text.matchAll(VARIABLE)) {
    const [whole, braced, operator, word = '', plain] = match
    const value = values.get(braced ?? plain ?? '')
    if (operator === undefined && value === undefined) return undefined
    const given = operator === '+' ? (value ? word : '') : operator === '-' ? value || word : (value ?? '')
    expanded += text.slice(at, match.index) + given
    at = match.index + whole.length
  }
  expanded += text.slice(at)
  return expanded === '' || expanded.includes('$') ? undefined : expanded
}

function unquoted(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text
}

function stepOf(one: Instruction, text: string, offsetOf: (position: Position) => number): Step {
  const { start, end } = one.getRange()
  const place = { start: offsetOf(start), end: offsetOf(end) }
  const withFlags = one instanceof ModifiableInstruction ? one.getFlags() : []
  const flags = withFlags.map((flag) => {
    const range = flag.getValueRange() ?? flag.getRange()
    return {
      name: flag.getName(),
      value: flag.getValue() ?? '',
      place: { start: offsetOf(range.start), end: offsetOf(range.end) },
    }
  })
  const [firstArgument] = one.getArguments()
  const begin = firstArgument === undefined ? place.end : offsetOf(firstArgument.getRange().start)
  const contentStart = Math.max(begin, ...flags.map((flag) => flag.place.end + 1))
  return {
    ...{ ...place, flags, contentStart, keyword: one.getKeyword().toUpperCase(), line: start.line + 1 },
    content: text.slice(contentStart, place.end),
    isJson: one instanceof JSONInstruction && one.getOpeningBracket() !== null,
  }
}

/** Where each line begins. */
function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
}
