import type { ScriptFacts } from './script-facts.ts'
import type { ShellValue } from './shell-values.ts'

/** Variables that something outside the script sets. */
const FOREIGN = new Set(['RET', 'HOME', 'PATH', 'PWD', 'IFS', 'OPTARG', 'OPTIND', 'REPLY', 'USER', 'TMPDIR'])

/** What a script has set so far on the way along which it is followed. */
export class ShellState {
  positional: readonly ShellValue[]
  /** Mode bits that new files go without (umask(2)). */
  umask = 0o022
  /** Whether what comes next runs for sure. */
  isCertain = true
  /** What is being left: a function, the script, a round of a loop. */
  end: 'return' | 'exit' | 'loop' | undefined
  #variables: Map<string, ShellValue>

  constructor(facts: ScriptFacts, parameters: readonly string[]) {
    this.positional = parameters
    this.#variables = new Map([
      ['DPKG_ROOT', ''],
      ['DEBIAN_FRONTEND', 'noninteractive'],
      ['DPKG_MAINTSCRIPT_ARCH', facts.architecture],
      ['DPKG_MAINTSCRIPT_PACKAGE', facts.package],
    ])
  }

  /** The value of a variable or parameter; an unset one is empty, one from outside unknown. */
  parameter(name: string): ShellValue {
    if (/^[1-9][0-9]*$/.test(name)) {
      return Number(name) <= this.positional.length ? this.positional[Number(name) - 1] : ''
    }
    if (name === '#') return String(this.positional.length)
    if (this.#variables.has(name)) return this.#variables.get(name)
    return FOREIGN.has(name) || /^[0-9?$!-]/.test(name) ? undefined : ''
  }

  set(name: string, value: ShellValue): void {
    this.#variables.set(name, value)
  }

  /** Follows a part in a process of its own: what it sets and leaves is forgotten. */
  apart<Result>(follow: () => Result): Result {
    const { end } = this
    const variables = this.#variables
    this.#variables = new Map(variables)
    const result = follow()
    this.#variables = variables
    this.end = end
    return result
  }

  /** Follows a part that may or may not run: what it sets is unknown afterwards, and it leaves nothing. */
  uncertainly(follow: () => void): void {
    const { isCertain, end } = this
    const variables = this.#variables
    this.isCertain = false
    this.#variables = new Map(variables)
    follow()
    for (const [name, value] of this.#variables) {
      if (!variables.has(name) || variables.get(name) !== value) variables.set(name, undefined)
    }
    this.#variables = variables
    this.isCertain = isCertain
    this.end = end
  }

  /** Does what a built-in command does to this state; tells whether that was all it does. */
  builtin(name: ShellValue, operands: readonly ShellValue[]): boolean {
    switch (name) {
      case 'exit':
      case 'return':
      case 'break':
      case 'continue':
        if (this.isCertain) this.end = name === 'exit' || name === 'return' ? name : 'loop'
        return true
      case 'shift':
        this.positional = this.positional.slice(Number(operands[0] ?? '1') || 1)
        return true
      case 'set':
        if (operands[0] === '--') this.positional = operands.slice(1)
        return true
      case 'umask':
        if (/^[0-7]+$/.test(operands[0] ?? '')) this.umask = Number.parseInt(operands[0] ?? '', 8)
        return true
      case 'local':
      case 'export':
      case 'readonly':
        for (const operand of operands) {
          const [variable = '', value] = operand?.split(/=(.*)/s) ?? []
          if (value !== undefined) this.set(variable, value)
        }
        return true
      case 'unset':
        for (const operand of operands) if (operand !== undefined) this.set(operand, '')
        return true
      case 'read':
        for (const operand of operands) if (operand !== undefined) this.set(operand, undefined)
        return false
      default:
        return false
    }
  }
}
