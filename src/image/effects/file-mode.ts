const WHO: Readonly<Record<string, number>> = { u: 0o700, g: 0o070, o: 0o007, a: 0o777 }
const WHAT: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 }

/**
 * The mode after chmod(1), octal or symbolic. Set-id bits on files are left out, as path rules leave out those that packages
 * ship; on directories they only pass on a group and stay.
 */
export function changeMode(mode: number, change: string, isDirectory: boolean): number {
  const changed = /^[0-7]+$/.test(change)
    ? Number.parseInt(change, 8)
    : change.split(',').reduce(symbolic(isDirectory), mode)
  return isDirectory ? changed & 0o7777 : changed & 0o1777
}

function symbolic(isDirectory: boolean): (mode: number, clause: string) => number {
  return (mode, clause) => {
    const [, who = '', operator = '', letters = ''] = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause) ?? []
    const mask = [...(who === '' ? 'a' : who)].reduce((bits, letter) => bits | (WHO[letter] ?? 0), 0)
    const bits = [...letters].reduce((all, letter) => {
      if (letter === 'X') return all | (isDirectory || (mode & 0o111) !== 0 ? 0o111 & mask : 0)
      if (letter === 's')
        return all | (who.includes('g') || who === '' ? 0o2000 : 0) | (who.includes('u') || who === '' ? 0o4000 : 0)
      return letter === 't' ? all | 0o1000 : all | ((WHAT[letter] ?? 0) & mask)
    }, 0)
    if (operator === '+') return mode | bits
    return operator === '-' ? mode & ~bits : (mode & ~mask) | bits
  }
}
