import { ImageError } from '../errors.ts'
import { outputOf, statusOf } from './known-commands.ts'
import type { ScriptFacts } from './script-facts.ts'
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
  /** Whether it runs for sure, and not under a condition that only running could decide. */
  readonly isCertain: boolean
  readonly start: number
}

/** Bounds for hostile scripts: commands looked at, and calls of functions within each other. */
const MAXIMUM_STEPS = 20_000
const MAXIMUM_CALLS = 30

/** Variables that something outside the script sets. */
const FOREIGN = new Set([
  'RET',
  'HOME',
  'PATH',
  'PWD',
  'IFS',
  'OPTARG',
  'OPTIND',
  'REPLY',
  'USER',
  'TMPDIR',
  '?',
  '$',
  '!',
])

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
  positional: readonly ShellValue[]
  readonly #facts: ScriptFacts
  readonly #functions = new Map<string, ShellCommand>()
  #variables: Map<string, ShellValue>
  #isCertain = true
  #end: 'return' | 'exit' | 'loop' | undefined
  #steps = 0
  #callDepth = 0
  /** What commands in a substitution print so far; absent outside of one. */
  #printed: { text: ShellValue } | undefined

  constructor(facts: ScriptFacts, parameters: readonly string[]) {
    this.#facts = facts
    this.positional = parameters
    this.#variables = new Map([
      ['DPKG_ROOT', ''],
      ['DEBIAN_FRONTEND', 'noninteractive'],
      ['DPKG_MAINTSCRIPT_ARCH', facts.architecture],
      ['DPKG_MAINTSCRIPT_PACKAGE', facts.package],
    ])
  }

  parameter(name: string): ShellValue {
    if (/^[1-9][0-9]*$/.test(name)) {
      return Number(name) <= this.positional.length ? this.positional[Number(name) - 1] : ''
    }
    if (name === '#') return String(this.positional.length)
    if (this.#variables.has(name)) return this.#variables.get(name)
    return FOREIGN.has(name) || /^[0-9?$!-]/.test(name) ? undefined : ''
  }

  substitute(body: ShellCommand): ShellValue {
    const outer = { printed: this.#printed, variables: this.#variables, end: this.#end }
    const printed: { text: ShellValue } = { text: '' }
    this.#printed = printed
    this.#variables = new Map(this.#variables)
    this.command(body)
    this.#printed = outer.printed
    this.#variables = outer.variables
    this.#end = outer.end
    return printed.text?.replace(/\n+$/, '')
  }

  glob(pattern: string): readonly string[] {
    const at = pattern.lastIndexOf('/')
    const directory = this.#facts.tree.resolve(pattern.slice(0, at) || '/')
    if (!pattern.startsWith('/') || directory === undefined || /[*?[]/.test(pattern.slice(0, at))) return []
    const names = this.#facts.tree.list(directory).filter((name) => !name.startsWith('.'))
    return names
      .filter((name) => matchesPattern(name, pattern.slice(at + 1)))
      .map((name) => pattern.slice(0, at + 1) + name)
  }

  sequence(commands: readonly ShellCommand[]): ShellStatus {
    let status: ShellStatus = true
    for (const command of commands) {
      if (this.#end !== undefined) break
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

  /** Follows a part that may or may not run: what it changes is unknown afterwards, and it ends nothing. */
  #uncertainly(follow: () => ShellStatus): ShellStatus {
    const { isCertain, variables, end } = { isCertain: this.#isCertain, variables: this.#variables, end: this.#end }
    this.#isCertain = false
    this.#variables = new Map(variables)
    if (this.#printed !== undefined) this.#printed.text = undefined
    follow()
    for (const [name, value] of this.#variables) {
      if (variables.get(name) !== value || !variables.has(name)) variables.set(name, undefined)
    }
    this.#variables = variables
    this.#isCertain = isCertain
    this.#end = end
    return undefined
  }

  #andOr({ operator, left, right }: Extract<ShellCommand, { type: 'and-or' }>): ShellStatus {
    const status = this.command(left)
    if (this.#end !== undefined) return status
    if (status === undefined) return this.#uncertainly(() => this.command(right))
    return status === (operator === '&&') ? this.command(right) : status
  }

  #if(command: Extract<ShellCommand, { type: 'if' }>, from: number): ShellStatus {
    const branch = command.branches[from]
    if (branch === undefined) return command.otherwise === undefined ? true : this.command(command.otherwise)
    const status = this.command(branch.condition)
    if (this.#end !== undefined) return status
    if (status !== undefined) return status ? this.command(branch.body) : this.#if(command, from + 1)
    this.#uncertainly(() => this.command(branch.body))
    return this.#uncertainly(() => this.#if(command, from + 1))
  }

  #for({ name, words, body }: Extract<ShellCommand, { type: 'for' }>): ShellStatus {
    const values = expandWords(words, this)
    if (values.includes(undefined)) return this.#loop(body, () => this.#variables.set(name, undefined))
    for (const value of values) {
      this.#variables.set(name, value)
      this.command(body)
      if (this.#end === 'loop') this.#end = undefined
      if (this.#end !== undefined) break
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
    if (outputs.length > 0) this.#call({ words: ['{'], outputs, input: undefined, isCertain: this.#isCertain, start })
    if (!isSubshell) return this.command(body)
    const { variables, end } = { variables: this.#variables, end: this.#end }
    this.#variables = new Map(variables)
    const status = this.command(body)
    this.#variables = variables
    this.#end = end
    return status
  }

  #simple({ assignments, words, redirections }: SimpleCommand, start: number): ShellStatus {
    const values = expandWords(words, this)
    const [name, ...operands] = values
    for (const assignment of assignments) this.#variables.set(assignment.name, expandWhole(assignment.value, this))
    const document = redirections.find(({ operator }) => operator === '<<')
    const input = document === undefined ? undefined : expandWhole(document.target, this)
    const call = { words: values, outputs: this.#outputs(redirections), input, isCertain: this.#isCertain, start }
    if (values.length === 0) {
      if (call.outputs.length > 0) this.#call({ ...call, words: [':'] })
      return assignments.some(({ value }) => value.some(({ type }) => type === 'substitution')) ? undefined : true
    }
    const body = name === undefined ? undefined : this.#functions.get(name)
    if (body !== undefined) return this.#function(body, operands)
    return this.#builtin(name, operands) ? true : this.#call(call)
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
    const outer = this.positional
    this.positional = operands
    const status = this.command(body)
    this.positional = outer
    this.#callDepth--
    if (this.#end === 'return') this.#end = undefined
    return status
  }

  /** Does what concerns the walk itself; tells whether that was all. */
  #builtin(name: ShellValue, operands: readonly ShellValue[]): boolean {
    switch (name) {
      case 'exit':
      case 'return':
      case 'break':
      case 'continue':
        if (this.#isCertain) this.#end = name === 'exit' || name === 'return' ? name : 'loop'
        return true
      case 'shift':
        this.positional = this.positional.slice(Number(operands[0] ?? '1') || 1)
        return true
      case 'set':
        if (operands[0] === '--') this.positional = operands.slice(1)
        return true
      case 'local':
      case 'export':
      case 'readonly':
        for (const operand of operands) {
          const [variable = '', value] = operand?.split(/=(.*)/s) ?? []
          if (value !== undefined) this.#variables.set(variable, value)
        }
        return true
      case 'unset':
        for (const operand of operands) if (operand !== undefined) this.#variables.set(operand, '')
        return true
      case 'read':
        for (const operand of operands) if (operand !== undefined) this.#variables.set(operand, undefined)
        return false
      default:
        return false
    }
  }

  #call(call: ShellCall): ShellStatus {
    this.calls.push(call)
    if (this.#printed !== undefined && call.outputs.length === 0) {
      const printed = outputOf(call, this.#facts)
      const before = this.#printed.text
      this.#printed.text = printed === undefined || before === undefined ? undefined : before + printed
    }
    return statusOf(call, this.#facts)
  }
}
