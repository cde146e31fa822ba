import { compareVersions } from '#debian'
import { findProgram, type ScriptFacts } from './script-facts.ts'
import { evaluateTest } from './shell-test.ts'
import type { ShellValue } from './shell-values.ts'
import type { ShellCall, ShellStatus } from './shell-walk.ts'

/** Whether a call succeeds on a first installation into the image, where its words and the facts decide that. */
export function statusOf({ words }: ShellCall, facts: ScriptFacts): ShellStatus {
  const [name, ...operands] = words
  switch (name) {
    case ':':
    case 'true':
    case 'echo':
    case 'printf':
    case 'ischroot':
    case 'mkdir':
    case 'install':
    case 'touch':
    case 'rm':
    case 'cp':
    case 'ln':
    case 'chmod':
    case 'chown':
    case 'chgrp':
      return true
    case 'false':
      return false
    case '[':
      return evaluateTest(operands.slice(0, -1), facts)
    case 'test':
      return evaluateTest(operands, facts)
    case 'command':
    case 'which':
    case 'type':
      return isAvailable(operands, facts)
    case 'mountpoint':
      return operands.includes('/proc') ? true : undefined
    case 'dpkg':
      return operands[0] === '--compare-versions' ? comparison(operands.slice(1)) : undefined
    case 'dpkg-statoverride':
    case 'update-alternatives':
      // Nothing is overridden and no alternative is known before the first package is configured.
      return operands.some((operand) => operand === '--list' || operand === '--query') ? false : undefined
    case 'aa-enabled':
      // No AppArmor profile is loaded where an image is made.
      return false
    case 'su':
      // A path is root's until a script gives it away.
      return onlyAsksForOwnership(operands) ? false : undefined
    case 'invoke-rc.d':
    case 'systemctl':
    case 'pidof':
    case 'pgrep':
      // No service runs where an image is made.
      return operands.some((operand) => operand === 'status' || operand === 'is-active') || name.startsWith('p')
        ? false
        : undefined
    default:
      return undefined
  }
}

/** `su USER -c 'test -O PATH …'`: whether paths belong to the user, and nothing else. */
export function onlyAsksForOwnership(operands: readonly ShellValue[]): boolean {
  const script = operands[operands.indexOf('-c') + 1]
  const lines = script?.split('\n').filter((line) => line.trim() !== '') ?? []
  return operands.includes('-c') && lines.every((line) => /^\s*(set -e|test -[OG] \/[\w/.-]+)\s*$/.test(line))
}

/** What a call prints, where its words and the facts decide that. */
export function outputOf({ words }: ShellCall, facts: ScriptFacts): ShellValue {
  const [name, ...operands] = words
  const known = operands.filter((operand) => operand !== undefined)
  if (known.length < operands.length) return undefined
  switch (name) {
    case 'echo':
      return known[0] === '-n' ? known.slice(1).join(' ') : `${known.join(' ')}\n`
    case 'command':
    case 'which':
      return findProgram(facts.tree, known.at(-1) ?? '') ?? ''
    case 'dpkg':
      return known[0] === '--print-architecture' ? facts.architecture : undefined
    case 'dpkg-divert':
      if (known[0] === '--truename') return known[1]
      return known[0] === '--listpackage' || known[0] === '--list' ? '' : undefined
    case 'update-alternatives':
      return known[0] === '--list' || known[0] === '--query' ? '' : undefined
    case 'uname':
      return known.length === 0 || known[0] === '-s' ? 'Linux\n' : undefined
    case 'mktemp':
      return '/tmp/of-the-script'
    case 'dirname':
      return known[0]?.replace(/\/[^/]*$/, '') || '/'
    case 'basename':
      return known[0]
        ?.replace(/^.*\//, '')
        .replace(known[1] === undefined ? /$^/ : new RegExp(`${literally(known[1])}$`), '')
    default:
      return undefined
  }
}

function isAvailable(operands: readonly ShellValue[], { tree }: ScriptFacts): ShellStatus {
  const names = operands.filter((operand) => operand === undefined || !operand.startsWith('-'))
  if (names.some((name) => name === undefined || name === '')) return undefined
  return names.every((name) => name !== undefined && findProgram(tree, name) !== undefined)
}

/** `dpkg --compare-versions A OP B`; an empty version is older than all, or newer with the `-nl` operators (dpkg(1)). */
function comparison(operands: readonly ShellValue[]): ShellStatus {
  const [left, operator, right] = operands.filter((operand) => operand !== '--')
  if (left === undefined || operator === undefined || right === undefined) return undefined
  const bare = operator.replace(/-nl$/, '')
  const order = orderOf(left, right, operator.endsWith('-nl'))
  switch (bare) {
    case 'lt':
    case '<<':
      return order < 0
    case 'le':
    case '<=':
    case '<':
      return order <= 0
    case 'eq':
    case '=':
      return order === 0
    case 'ne':
      return order !== 0
    case 'ge':
    case '>=':
    case '>':
      return order >= 0
    case 'gt':
    case '>>':
      return order > 0
    default:
      return undefined
  }
}

function orderOf(left: string, right: string, emptyIsNewest: boolean): number {
  if (left === '' && right === '') return 0
  if (left === '') return emptyIsNewest ? 1 : -1
  if (right === '') return emptyIsNewest ? -1 : 1
  return compareVersions(left, right)
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
