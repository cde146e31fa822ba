import type { AccountAction } from './action.ts'

type AccountRequest =
  | AccountAction
  | { readonly kind: 'group'; readonly name: string; readonly gid?: number }
  | { readonly kind: 'member'; readonly account: string; readonly group: string }

/** Options of the adduser and passwd tools that take a value (adduser(8), useradd(8), groupadd(8), usermod(8)). */
const VALUED = /^(--(uid|gid|ingroup|home|shell|gecos|comment|home-dir|groups|firstuid|lastuid|conf)|-[ugdsGcKkpU])$/

/** What a call of an account tool makes; `undefined` when the command is none or its operands are not followed. */
export function accountAction(name: string, operands: readonly string[]): readonly AccountRequest[] | undefined {
  const { options, names } = split(operands)
  const [first, second] = names
  switch (name) {
    case 'addgroup':
    case 'groupadd':
      return first === undefined ? undefined : [{ kind: 'group', name: first, ...gidOf(options) }]
    case 'adduser':
      if (first !== undefined && second !== undefined) return [{ kind: 'member', account: first, group: second }]
      if (first === undefined) return undefined
      return options.has('--group') && !options.has('--system')
        ? [{ kind: 'group', name: first, ...gidOf(options) }]
        : [account(first, options, !options.has('--no-create-home'))]
    case 'useradd':
      return first === undefined
        ? undefined
        : [account(first, options, options.has('-m') || options.has('--create-home'))]
    case 'usermod':
    case 'gpasswd': {
      const group = options.get('-G') ?? options.get('--groups')
      return first === undefined || group === undefined ? undefined : [{ kind: 'member', account: first, group }]
    }
    default:
      return undefined
  }
}

function account(name: string, options: ReadonlyMap<string, string>, createsHome: boolean): AccountAction {
  const uid = options.get('--uid') ?? options.get('-u')
  const group = options.get('--ingroup') ?? options.get('--gid') ?? options.get('-g')
  const primary = options.has('--group') ? 'own' : (group ?? (options.has('--system') ? 'nogroup' : 'own'))
  const text = {
    home: options.get('--home') ?? options.get('--home-dir') ?? options.get('-d'),
    shell: options.get('--shell') ?? options.get('-s'),
    comment: options.get('--gecos') ?? options.get('--comment') ?? options.get('-c'),
  }
  return {
    kind: 'account',
    name,
    group: primary,
    createsHome: createsHome && text.home !== undefined,
    ...(uid === undefined ? {} : { uid: Number(uid) }),
    ...(text.home === undefined ? {} : { home: text.home }),
    ...(text.shell === undefined ? {} : { shell: text.shell }),
    ...(text.comment === undefined ? {} : { comment: text.comment }),
  }
}

function gidOf(options: ReadonlyMap<string, string>): { gid?: number } {
  const gid = options.get('--gid') ?? options.get('-g')
  return gid === undefined ? {} : { gid: Number(gid) }
}

function split(operands: readonly string[]): { options: Map<string, string>; names: string[] } {
  const options = new Map<string, string>()
  const names: string[] = []
  for (let at = 0; at < operands.length; at++) {
    const operand = operands[at] ?? ''
    const [option = '', value] = operand.startsWith('--') ? operand.split(/=(.*)/s) : [operand]
    if (!operand.startsWith('-')) names.push(operand)
    else if (value !== undefined) options.set(option, value)
    else if (VALUED.test(option)) options.set(option, operands[++at] ?? '')
    else options.set(option, '')
  }
  return { options, names }
}
