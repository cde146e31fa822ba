import type { PathAction } from './action.ts'
import type { ScriptFacts } from './script-facts.ts'
import type { ShellCall } from './shell-walk.ts'

type Judged = readonly PathAction[] | string

/**
 * What a call of coreutils does to literal paths; empty when there is nothing to do, a reason when the call is not
 * followed. Paths below /tmp do not last and count as nothing.
 */
export function pathActions(call: ShellCall, facts: ScriptFacts): Judged {
  const [name = '', ...operands] = call.words
  if (call.outputs.length > 0) return redirected(call)
  if (operands.includes(undefined)) return `${name} has an operand that only running could tell`
  const words = operands.filter((operand) => operand !== undefined)
  const options = words.filter((word) => /^-[^0-9]/.test(word))
  const paths = words.filter((word) => !/^-/.test(word))
  switch (name) {
    case 'mkdir':
      return makeDirectories(words, facts)
    case 'install':
      return install(words, facts)
    case 'touch':
      return absolute(paths, name).flatMapOr((path) =>
        exists(path, facts) ? [] : [{ kind: 'file', path, content: '', mode: 0o666 & ~call.umask }],
      )
    case 'chmod': {
      const [mode = '', ...rest] = paths
      return options.length > 0 && !/^-[cfv]$|^--(quiet|silent)$/.test(options[0] ?? '')
        ? `chmod ${options.join(' ')} is not followed`
        : absolute(rest, name).flatMapOr((path) => [{ kind: 'mode', path, mode }])
    }
    case 'chown':
    case 'chgrp':
      return changeOwner(name, options, paths)
    case 'ln':
      return link(options, paths)
    case 'cp':
      return copy(paths, facts)
    case 'rm':
    case 'rmdir':
    case 'unlink':
      // A pattern that still is one has matched nothing.
      return absolute(
        paths.filter((path) => !/[*?[]/.test(path)),
        name,
      ).flatMapOr((path) => (exists(path, facts) ? [{ kind: 'removal', path }] : []))
    default:
      return `${name} is not a command that is followed`
  }
}

function redirected({ words, outputs, input, umask }: ShellCall): Judged {
  const [output] = outputs
  const [name, ...operands] = words
  if (outputs.length !== 1 || output?.path === undefined) return `${name} writes to a file that only running could tell`
  if (output.path.startsWith('/tmp/')) return []
  if (output.appends) return `${name} adds to ${output.path}`
  const content = name === ':' ? '' : name === 'cat' && operands.length === 0 ? input : undefined
  const printed = name === 'echo' && !operands.includes(undefined) ? `${operands.join(' ')}\n` : undefined
  const text = content ?? printed
  if (text === undefined || !output.path.startsWith('/')) return `${name} writes to ${output.path}`
  return [{ kind: 'file', path: output.path, content: text, mode: 0o666 & ~umask }]
}

function makeDirectories(words: readonly string[], facts: ScriptFacts): Judged {
  const at = words.findIndex((word) => word === '-m' || word === '--mode')
  const joined = words.find((word) => /^(-m|--mode=)[0-7]+$/.test(word))?.replace(/^(-m|--mode=)/, '')
  const mode = joined ?? (at === -1 ? undefined : words[at + 1])
  const paths = words.filter((word, index) => !word.startsWith('-') && (at === -1 || index !== at + 1))
  return absolute(paths, 'mkdir').flatMapOr((path) =>
    exists(path, facts) ? [] : [{ kind: 'directory', path, ...(mode === undefined ? {} : { mode }) }],
  )
}

/** `install -d`, with its owner, group and mode. */
function install(words: readonly string[], facts: ScriptFacts): Judged {
  if (!words.includes('-d')) return installEmpty(words, facts)
  const option = (letter: string) => {
    const at = words.indexOf(`-${letter}`)
    return at === -1 ? words.find((word) => word.startsWith(`-${letter}`))?.slice(2) : words[at + 1]
  }
  const [mode, user, group] = [option('m'), option('o'), option('g')]
  const paths = words.filter((word) => word.startsWith('/'))
  return absolute(paths, 'install').flatMapOr((path) => [
    ...(exists(path, facts) ? [] : [{ kind: 'directory', path } as const]),
    ...(user === undefined && group === undefined ? [] : [ownerAction(path, user, group)]),
    ...(mode === undefined ? [] : [{ kind: 'mode', path, mode } as const]),
  ])
}

/** `install --mode MODE /dev/null PATH`, as dh_apparmor makes an empty file. */
function installEmpty(words: readonly string[], facts: ScriptFacts): Judged {
  const [option, mode = '', source, path, ...rest] = words
  const isMode = (option === '--mode' || option === '-m') && /^0?[0-7]{3}$/.test(mode)
  if (!isMode || source !== '/dev/null' || path === undefined || rest.length > 0) {
    return 'install of a file is not followed'
  }
  return absolute([path], 'install').flatMapOr((file) =>
    exists(file, facts) ? [] : [{ kind: 'file', path: file, content: '', mode: Number.parseInt(mode, 8) }],
  )
}

function changeOwner(name: string, options: readonly string[], paths: readonly string[]): Judged {
  if (options.some((option) => /^-[a-zA-Z]*R|^--recursive|^--reference/.test(option))) {
    return `${name} ${options.join(' ')} is not followed`
  }
  const [owner = '', ...rest] = paths
  const [user, group] = name === 'chgrp' ? [undefined, owner] : owner.split(/[:.]/)
  return absolute(rest, name).flatMapOr((path) => [ownerAction(path, user || undefined, group || undefined)])
}

function ownerAction(path: string, user: string | undefined, group: string | undefined): PathAction {
  return { kind: 'owner', path, ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) }
}

function link(options: readonly string[], paths: readonly string[]): Judged {
  const [target, path] = paths
  if (paths.length !== 2 || target === undefined || !path?.startsWith('/'))
    return 'ln has operands that are not followed'
  if (!options.some((option) => option.includes('s'))) return 'a hard link is not followed'
  return [{ kind: 'link', path, target }]
}

function copy(paths: readonly string[], facts: ScriptFacts): Judged {
  const [source, path] = paths
  if (paths.length !== 2 || !source?.startsWith('/') || !path?.startsWith('/') || path.endsWith('/')) {
    return 'cp has operands that are not followed'
  }
  const resolved = facts.tree.resolve(source)
  const type = resolved === undefined ? undefined : facts.tree.get(resolved)?.type
  return type === 'file' || type === 'hardlink'
    ? [{ kind: 'copy', source, path }]
    : `cp copies ${source}, which is no file`
}

function exists(path: string, { tree }: ScriptFacts): boolean {
  return tree.get(path) !== undefined || tree.resolve(path) !== undefined
}

/** The paths, all of which must be absolute, without those that do not outlive the script. */
function absolute(paths: readonly string[], name: string) {
  return {
    flatMapOr(action: (path: string) => readonly PathAction[]): Judged {
      const relative = paths.find((path) => !path.startsWith('/') || /[*?[]/.test(path))
      if (relative !== undefined) return `${name} has the operand ${relative}, which is no literal path`
      return paths
        .filter((path) => !path.startsWith('/tmp/'))
        .flatMap((path) => action(path.replace(/\/+$/, '') || '/'))
    },
  }
}
