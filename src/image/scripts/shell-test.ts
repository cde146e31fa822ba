import type { ScriptFacts } from './script-facts.ts'
import type { ShellValue } from './shell-values.ts'
import type { ShellStatus } from './shell-walk.ts'

/**
 * The outcome of test(1), as far as it is decided: text is compared, files are looked up in the image's tree. A condition
 * with `-a` or `-o` is decided when either side is enough.
 */
export function evaluateTest(operands: readonly ShellValue[], facts: ScriptFacts): ShellStatus {
  const either = operands.indexOf('-o')
  if (either > 0)
    return or(evaluateTest(operands.slice(0, either), facts), evaluateTest(operands.slice(either + 1), facts))
  const both = operands.indexOf('-a')
  if (both > 0) return and(evaluateTest(operands.slice(0, both), facts), evaluateTest(operands.slice(both + 1), facts))
  if (operands[0] === '!' && operands.length > 1) return not(evaluateTest(operands.slice(1), facts))
  const [first, second, third] = operands
  if (operands.length === 0) return false
  if (operands.length === 1) return first === undefined ? undefined : first !== ''
  if (operands.length === 2) return second === undefined ? undefined : unary(first, second, facts)
  return operands.length === 3 ? binary(first, second, third) : undefined
}

function unary(operator: ShellValue, operand: string, { tree }: ScriptFacts): ShellStatus {
  if (operator === '-n') return operand !== ''
  if (operator === '-z') return operand === ''
  if (!operand.startsWith('/')) return operand === '' ? false : undefined
  // What stands in /proc, /sys and /dev is not the image's; of /run only what packages ship is known.
  if (/^\/(?:proc|sys|dev|tmp)\//.test(operand)) return undefined
  const resolved = tree.resolve(operand)
  const entry = resolved === undefined ? undefined : tree.get(resolved)
  const isFile = entry?.type === 'file' || entry?.type === 'hardlink'
  switch (operator) {
    case '-e':
    case '-r':
    case '-w':
      return resolved !== undefined
    case '-f':
      return isFile
    case '-s':
      return entry?.type === 'file' ? entry.size > 0 : isFile ? undefined : false
    case '-d':
      return resolved !== undefined && !isFile
    case '-x':
      return entry === undefined ? resolved !== undefined : (entry.mode & 0o111) !== 0
    case '-L':
    case '-h':
      return linkAt(operand, tree)
    default:
      return undefined
  }
}

/** Whether the last component is a link, its parents followed. */
function linkAt(path: string, tree: ScriptFacts['tree']): boolean {
  const at = path.lastIndexOf('/')
  const parent = at === 0 ? '' : tree.resolve(path.slice(0, at))
  return parent !== undefined && tree.get(`${parent}${path.slice(at)}`)?.type === 'symlink'
}

function binary(left: ShellValue, operator: ShellValue, right: ShellValue): ShellStatus {
  if (left === undefined || right === undefined) return undefined
  const [before, after] = [Number(left), Number(right)]
  switch (operator) {
    case '=':
    case '==':
      return left === right
    case '!=':
      return left !== right
    case '-eq':
      return before === after
    case '-ne':
      return before !== after
    case '-gt':
      return before > after
    case '-ge':
      return before >= after
    case '-lt':
      return before < after
    case '-le':
      return before <= after
    default:
      return undefined
  }
}

function not(status: ShellStatus): ShellStatus {
  return status === undefined ? undefined : !status
}

function or(left: ShellStatus, right: ShellStatus): ShellStatus {
  return left === true || right === true ? true : left === false && right === false ? false : undefined
}

function and(left: ShellStatus, right: ShellStatus): ShellStatus {
  return not(or(not(left), not(right)))
}
