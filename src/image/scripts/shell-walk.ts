import { ImageError } from '../errors.ts'
import { outputOf, statusOf } from './known-commands.ts'
import type { ScriptFacts } from './script-facts.ts'
import { ShellState } from './shell-state.ts'
import type { Redirection, ShellCommand, SimpleCommand } from './shell-syntax.ts'
import { expandWhole, expandWords, matchesPattern, type ShellScope, type ShellValue } from './shell-values.ts'

/** Whether a command succeeds; `undefined` when only running could tell. */
export type ShellStatus = boolean | undefined

/** A command that a script would call, as far as its text tells. */
export interface ShellCall {
  /** The words, first the command's name; unknown ones are `undefined`. */
  readonly words: readonly ShellValue[]
  /** Files it is redirected to; a here-document's text stands in `input`. */
  readonly outputs: readonly { readonly path: ShellValue; readonly appends: boolean }[]
  readonly input: ShellValue
  /** The mode bits that new files go without, as the script's last `umask` says. */
  readonly umask: number
  /** Whether it runs for sure, and not under a condition that only running could decide. */
  readonly isCertain: boolean
  readonly start: number
}

/** Bounds for hostile scripts: commands looked at, and calls of functions within each other. */
const MAXIMUM_STEPS = 20_000
const MAXIMUM_WORK = 20_000_000
const MAXIMUM_CALLS = 30

/**
 * Follows a script along one way of calling it, without running anything: conditions whose outcome the facts decide are
 * decided, others are followed both ways. Gives the commands that would be called, in order. Throws `SCRIPT_UNREADABLE`
 * where that does not end.
 */
export function walkScript(
  commands: readonly ShellCommand[],
  parameters: readonly string[],
  facts: ScriptFacts,
): readonly ShellCall[] {
  const walk = new ShellWalk(facts, parameters)
  walk.sequence(commands)
  return walk.calls
}

class ShellWalk implements ShellScope {
  readonly calls: ShellCall[] = []
  readonly #facts: ScriptFacts
  readonly #functions = new Map<string, ShellCommand>()
  readonly #state: ShellState
  #steps = 0
  #work = 0
  #callDepth = 0
  /** What commands in a substitution print so far; absent outside of one. */
  #printed: { text: ShellValue } | undefined

  constructor(facts: ScriptFacts, parameters: readonly string[]) {
    this.#facts = facts
    this.#state = new ShellState(facts, parameters)
  }

  get positional(): readonly ShellValue[] {
    return this.#state.positional
  }

  parameter(name: string): ShellValue {
    return this.#state.parameter(name)
  }

  substitute(body: ShellCommand): ShellValue {
    const outer = this.#printed
    const printed: { text: ShellValue } = { text: '' }
    this.#printed = printed
    this.#state.apart(() => this.command(body))
    this.#printed = outer
    return printed.text?.replace(/\n+$/, '')
  }

  spend(characters: number): void {
    this.#work += characters
    if (this.#work > MAXIMUM_WORK) {
      throw new ImageError('SCRIPT_UNREADABLE', 'cannot follow shell script: its expansions take too much work')
    }
  }

  glob(pattern: string): readonly string[] {
    const at = pattern.lastIndexOf('/')
    const directory = this.#facts.tree.resolve(pattern.slice(0, at) || '/')
    if (!pattern.startsWith('/') || directory === undefined || /[*?[]/.test(pattern.slice(0, at))) return []
    this.spend(1000)
    const names = this.#facts.tree.list(directory).filter((name) => !name.startsWith('.'))
    return names
      .filter((name) => matchesPattern(name, pattern.slice(at + 1)))
      .map((name) => pattern.slice(0, at + 1) + name)
  }

  sequence(commands: readonly ShellCommand[]): ShellStatus {
    let status: ShellStatus = true
    for (const command of commands) {
      if (this.#state.end !== undefined) break
      status = this.command(command)
    }
    return status
  }

  command(command: ShellCommand): ShellStatus {
    if (++this.#steps > MAXIMUM_STEPS) {
      throw new ImageError('SCRIPT_UNREADABLE', `cannot follow shell script: it takes more than ${MAXIMUM_STEPS} steps`)
    }
    switch (command.type) {
      case 'simple':
        return this.#simple(command, command.start)
      case 'sequence':
        return this.sequence(command.commands)
      case 'pipeline':
        return this.#pipeline(command)
      case 'and-or':
        return this.#andOr(command)
      case 'if':
        return this.#if(command, 0)
      case 'for':
        return this.#for(command)
      case 'while':
        return this.#while(command)
      case 'case':
        return this.#case(command)
      case 'function':
        this.#functions.set(command.name, command.body)
        return true
      case 'group':
        return this.#group(command)
    }
  }

  #uncertainly(follow: () => ShellStatus): ShellStatus {
    if (this.#printed !== undefined) this.#printed.text = undefined
    this.#state.uncertainly(follow)
    return undefined
  }

  #andOr({ operator, left, right }: Extract<ShellCommand, { type: 'and-or' }>): ShellStatus {
    const status = this.command(left)
    if (this.#state.end !== undefined) return status
    if (status === undefined) return this.#uncertainly(() => this.command(right))
    return status === (operator === '&&') ? this.command(right) : status
  }

  #if(command: Extract<ShellCommand, { type: 'if' }>, from: number): ShellStatus {
    const branch = command.branches[from]
    if (branch === undefined) return command.otherwise === undefined ? true : this.command(command.otherwise)
    const status = this.command(branch.condition)
    if (this.#state.end !== undefined) return status
    if (status !== undefined) return status ? this.command(branch.body) : this.#if(command, from + 1)
    this.#uncertainly(() => this.command(branch.body))
    return this.#uncertainly(() => this.#if(command, from + 1))
  }

  #for({ name, words, body }: Extract<ShellCommand, { type: 'for' }>): ShellStatus {
    const values = expandWords(words, this)
    if (values.includes(undefined)) return this.#loop(body, () => this.#state.set(name, undefined))
    for (const value of values) {
      this.#state.set(name, value)
      this.command(body)
      if (this.#state.end === 'loop') this.#state.end = undefined
      if (this.#state.end !== undefined) break
    }
    return undefined
  }

  #while({ condition, body }: Extract<ShellCommand, { type: 'while' }>): ShellStatus {
    return this.#loop(body, () => this.command(condition))
  }

  /** Follows a loop of unknown length twice, so that what the first round changes is unknown in the second. */
  #loop(body: ShellCommand, before: () => void): ShellStatus {
    for (let round = 0; round < 2; round++) {
      this.#uncertainly(() => {
        before()
        return this.command(body)
      })
    }
    return undefined
  }

  #case({ word, arms }: Extract<ShellCommand, { type: 'case' }>): ShellStatus {
    const value = expandWhole(word, this)
    for (const { patterns, body } of arms) {
      const wanted = patterns.map((pattern) => expandWhole(pattern, this))
      for (const pattern of wanted) this.spend((value?.length ?? 0) * (pattern?.length ?? 0))
      if (value === undefined || wanted.includes(undefined)) {
        this.#uncertainly(() => this.command(body))
      } else if (wanted.some((pattern) => pattern !== undefined && matchesPattern(value, pattern))) {
        return this.command(body)
      }
    }
    return value === undefined ? undefined : true
  }

  #pipeline({ commands, negated }: Extract<ShellCommand, { type: 'pipeline' }>): ShellStatus {
    const [only] = commands
    if (commands.length === 1 && only !== undefined) {
      const status = this.command(only)
      return status === undefined ? undefined : status !== negated
    }
    if (this.#printed !== undefined) this.#printed.text = undefined
    for (const command of commands) this.substitute(command)
    return undefined
  }

  #group({ body, redirections, isSubshell, start }: Extract<ShellCommand, { type: 'group' }>): ShellStatus {
    const outputs = this.#outputs(redirections)
    if (outputs.length > 0) this.#call({ words: ['{'], outputs, input: undefined, start })
    return isSubshell ? this.#state.apart(() => this.command(body)) : this.command(body)
  }

  #simple({ assignments, words, redirections }: SimpleCommand, start: number): ShellStatus {
    const values = expandWords(words, this)
    const [name, ...operands] = values
    for (const assignment of assignments) this.#state.set(assignment.name, expandWhole(assignment.value, this))
    const document = redirections.find(({ operator }) => operator === '<<')
    const input = document === undefined ? undefined : expandWhole(document.target, this)
    const call = { words: values, outputs: this.#outputs(redirections), input, start }
    if (values.length === 0) {
      if (call.outputs.length > 0) this.#call({ ...call, words: [':'] })
      return assignments.some(({ value }) => value.some(({ type }) => type === 'substitution')) ? undefined : true
    }
    const body = name === undefined ? undefined : this.#functions.get(name)
    if (body !== undefined) return this.#function(body, operands)
    return this.#state.builtin(name, operands) ? true : this.#call(call)
  }

  #outputs(redirections: readonly Redirection[]) {
    return redirections
      .filter(({ operator }) => operator === '>' || operator === '>>' || operator === '>|')
      .map(({ operator, target }) => ({ path: expandWhole(target, this), appends: operator === '>>' }))
      .filter(({ path }) => path !== '/dev/null' && path !== '/dev/stderr')
  }

  #function(body: ShellCommand, operands: readonly ShellValue[]): ShellStatus {
    if (++this.#callDepth > MAXIMUM_CALLS) {
      throw new ImageError('SCRIPT_UNREADABLE', 'cannot follow shell script: its functions call each other too deeply')
    }
    const outer = this.#state.positional
    this.#state.positional = operands
    const status = this.command(body)
    this.#state.positional = outer
    this.#callDepth--
    if (this.#state.end === 'return') this.#state.end = undefined
    return status
  }

  #call(seen: Omit<ShellCall, 'umask' | 'isCertain'>): ShellStatus {
    const call = { ...seen, umask: this.#state.umask, isCertain: this.#state.isCertain }
    this.calls.push(call)
    if (this.#printed !== undefined && call.outputs.length === 0) {
      const printed = outputOf(call, this.#facts)
      const before = this.#printed.text
      this.#printed.text = printed === undefined || before === undefined ? undefined : before + printed
    }
    return statusOf(call, this.#facts)
  }
}
