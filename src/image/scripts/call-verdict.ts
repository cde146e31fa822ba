import { accountAction } from './account-calls.ts'
import type { AlternativeAction, ScriptAction } from './action.ts'
import { findsNothing } from './find-calls.ts'
import { onlyAsksForOwnership } from './known-commands.ts'
import { needlessReason } from './needless-commands.ts'
import { pathActions } from './path-calls.ts'
import type { ScriptFacts } from './script-facts.ts'
import type { ShellCall } from './shell-walk.ts'

/** What becomes of one command of a script. */
export interface CallVerdict {
  readonly class: 'covered' | 'needless' | 'open'
  /** An effect's name when covered, else a reason in plain words. */
  readonly by: string
  /** What the effect shall do; none where the effect finds out by itself. */
  readonly actions: readonly ScriptAction[]
}

const FRESH = 'only matters when an older version was installed'

/** Effects that do a tool's work from the image's files, whatever its operands. */
const coveringEffect: Readonly<Record<string, string>> = {
  'systemd-tmpfiles': 'tmpfiles',
  'systemd-sysusers': 'accounts',
  'update-ca-certificates': 'ca-bundle',
  'update-shells': 'shells',
  'add-shell': 'shells',
  shadowconfig: 'accounts',
  'pam-auth-update': 'pam-profiles',
  py3compile: 'python-bytecode',
  pypy3compile: 'python-bytecode',
}

/** Judges a command that a script would call on a first installation. */
export function judgeCall(call: ShellCall, facts: ScriptFacts): CallVerdict {
  const [name, ...operands] = call.words
  if (name === undefined) return open('it runs a command whose name only running could tell')
  const written = call.outputs.find(({ path }) => path === undefined || !path.startsWith('/dev/'))
  if (written !== undefined) return judgePaths(call, facts)
  const reason = needlessReason(name)
  if (reason !== undefined) return needless(reason)
  const effect = compilesPython(call) ? 'python-bytecode' : coveringEffect[name]
  if (effect !== undefined) return { class: 'covered', by: effect, actions: [] }
  const known = operands.filter((operand) => operand !== undefined)
  const verdict = judgeTool(name, known, facts)
  if (verdict === undefined) return judgePaths(call, facts)
  if (verdict.actions.length === 0) return verdict
  if (known.length < operands.length) return open(`${name} has an operand that only running could tell`)
  // One account too many does no harm, and scripts ask getent whether they need to make theirs.
  return call.isCertain || verdict.by === 'accounts'
    ? verdict
    : open(`${name} runs under a condition that only running could decide`)
}

/** Python called to compile modules, as its own packages do before py3compile exists. */
function compilesPython({ words }: ShellCall): boolean {
  const [name = '', ...operands] = words
  return (
    /\/python3[.0-9]*$/.test(name) &&
    operands.some((operand) => operand !== undefined && /py_compile|compileall/.test(operand))
  )
}

function judgeTool(name: string, operands: readonly string[], facts: ScriptFacts): CallVerdict | undefined {
  switch (name) {
    case '.':
      return judgeSourcing(operands)
    case 'dpkg':
      return needless('asks dpkg')
    case 'sed':
    case 'perl':
      return name === 'sed' && !operands.some((operand) => /^-[a-z]*i/.test(operand))
        ? needless('only reads or prints')
        : undefined
    case 'find':
      if (!operands.some((operand) => /^-(exec|execdir|delete|ok|fprint|fls)/.test(operand)))
        return needless('only reads or prints')
      return findsNothing(operands, facts.tree) ? needless('there is nothing for it to change') : undefined
    case 'su':
      return onlyAsksForOwnership(operands) ? needless('only reads or prints') : undefined
    case 'update-alternatives':
      return judgeAlternatives(operands, facts)
    case 'dpkg-divert':
      return judgeDiversion(operands, facts)
    case 'dpkg-statoverride':
      return judgeStatoverride(operands, facts)
    case 'ucf':
      return judgeUcf(operands, facts)
    case 'php_invoke':
      return judgePhp(operands, facts)
    case '/usr/share/mysql-common/configure-symlinks':
      return judgeMyCnf(operands, facts)
    default: {
      const action = accountAction(name, operands)
      return (
        action &&
        covered(
          'accounts',
          action.map((each) => ({ ...each, package: facts.package })),
        )
      )
    }
  }
}

function judgeSourcing([path = '']: readonly string[]): CallVerdict {
  if (path.endsWith('/debconf/confmodule')) return needless('asks debconf; images take the default answers')
  const defines = ['/usr/share/dpkg/sh/', '/usr/lib/php/php-maintscript-helper', '/lib/lsb/init-functions']
  return defines.some((known) => path.startsWith(known))
    ? needless('only defines functions')
    : open(`it reads in ${path}`)
}

function judgeAlternatives(operands: readonly string[], { package: package_ }: ScriptFacts): CallVerdict {
  const verb = operands.find((operand) => /^--(install|remove|remove-all|auto|list|query|display)$/.test(operand))
  if (verb === undefined) return open('update-alternatives is called with operands that are not followed')
  if (verb !== '--install') return needless(FRESH)
  const values = operands.slice(operands.indexOf('--install') + 1)
  const [link, name, path, priority] = values
  if (link === undefined || name === undefined || path === undefined || !/^-?[0-9]+$/.test(priority ?? '')) {
    return open('update-alternatives --install has operands that are not followed')
  }
  const slaves: AlternativeAction['slaves'][number][] = []
  for (let at = 4; values[at] === '--slave'; at += 4) {
    const [slaveLink, slaveName, slavePath] = values.slice(at + 1, at + 4)
    if (slaveLink === undefined || slaveName === undefined || slavePath === undefined) break
    slaves.push({ link: slaveLink, name: slaveName, path: slavePath })
  }
  const action = { kind: 'alternative', link, name, path, priority: Number(priority), slaves } as const
  return covered('alternatives', [{ ...action, package: package_ }])
}

/** mysql-common's script for the packages that bring a configuration: `install VARIANT FILE` makes it an alternative. */
function judgeMyCnf([verb, , file]: readonly string[], facts: ScriptFacts): CallVerdict {
  if (verb !== 'install' || file === undefined) return needless(FRESH)
  return judgeAlternatives(['--install', '/etc/mysql/my.cnf', 'my.cnf', file, '200'], facts)
}

function judgeDiversion(operands: readonly string[], { package: package_ }: ScriptFacts): CallVerdict {
  if (operands.some((operand) => /^--(remove|list|listpackage|truename)$/.test(operand))) return needless(FRESH)
  const option = (name: string) => operands[operands.indexOf(name) + 1]
  const by = operands.includes('--package') ? option('--package') : package_
  const path = operands.at(-1)
  const to = operands.includes('--divert') ? option('--divert') : `${path}.distrib`
  if (by === undefined || to === undefined || path === undefined || !path.startsWith('/')) {
    return open('dpkg-divert is called with operands that are not followed')
  }
  return covered('dpkg-state', [{ kind: 'diversion', path, to, by, package: package_ }])
}

function judgeStatoverride(operands: readonly string[], { package: package_ }: ScriptFacts): CallVerdict {
  if (!operands.includes('--add')) return needless(FRESH)
  const [user, group, mode, path] = operands.filter((operand) => !operand.startsWith('--'))
  if (user === undefined || group === undefined || path === undefined || !/^[0-7]{3,5}$/.test(mode ?? '')) {
    return open('dpkg-statoverride --add has operands that are not followed')
  }
  const action = { kind: 'statoverride', user, group, mode: Number.parseInt(mode ?? '', 8), path } as const
  return covered('statoverrides', [{ ...action, package: package_ }])
}

function judgeUcf(operands: readonly string[], { package: package_ }: ScriptFacts): CallVerdict {
  if (operands.some((operand) => operand === '--purge' || operand === '-p')) return needless(FRESH)
  const [source, target] = operands.filter((operand) => operand.startsWith('/'))
  if (source === undefined || target === undefined) return open('ucf is called with operands that are not followed')
  return covered('configuration-files', [{ kind: 'configuration-file', source, target, package: package_ }])
}

function judgePhp(operands: readonly string[], { package: package_ }: ScriptFacts): CallVerdict {
  const [verb, version, sapi, module] = operands
  if (verb !== 'enmod' || version === undefined || sapi === undefined)
    return open(`php_invoke ${verb ?? ''} is not followed`)
  // A module whose name only running could tell comes from phpquery, which lists the ones that are installed anyway.
  if (module === undefined) return { class: 'covered', by: 'php-modules', actions: [] }
  return covered('php-modules', [{ kind: 'php-module', version, sapi, module, package: package_ }])
}

function judgePaths(call: ShellCall, facts: ScriptFacts): CallVerdict {
  const [name = ''] = call.words
  const result = pathActions(call, facts)
  if (typeof result === 'string') return open(result)
  if (result.length === 0) return needless('there is nothing for it to change')
  if (!call.isCertain) return open(`${name} runs under a condition that only running could decide`)
  return covered(
    'script-paths',
    result.map((action) => ({ ...action, package: facts.package })),
  )
}

function covered(by: string, actions: readonly ScriptAction[]): CallVerdict {
  return { class: 'covered', by, actions }
}

function needless(by: string): CallVerdict {
  return { class: 'needless', by, actions: [] }
}

function open(by: string): CallVerdict {
  return { class: 'open', by, actions: [] }
}
