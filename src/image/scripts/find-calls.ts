import type { Tree } from '../tree.ts'

/**
 * Whether `find` can meet nothing: it looks below literal paths for names by a pattern (`-name`), and the image has no such
 * name there. It decides nothing where `-o` or `!` let other names through.
 */
export function findsNothing(operands: readonly string[], tree: Tree): boolean {
  const at = operands.findIndex((operand) => /^[-(!]/.test(operand))
  const places = operands.slice(0, at)
  const tests = operands.slice(at)
  const name = tests[tests.indexOf('-name') + 1]
  const isPlain = !tests.some((word) => /^(-o|-or|-not|!|,|\(|\))$/.test(word))
  if (at < 1 || !isPlain || !tests.includes('-name') || name === undefined || !/^[\w.*?+-]+$/.test(name)) return false
  if (!places.every((place) => place.startsWith('/'))) return false
  const pattern = new RegExp(`^${name.replace(/[.+]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`)
  return !places.some((place) => holdsName(tree, place.replace(/\/+$/, '') || '/', pattern))
}

/** The starting point itself counts, as it does for find(1). */
function holdsName(tree: Tree, place: string, pattern: RegExp): boolean {
  if (pattern.test(place.slice(place.lastIndexOf('/') + 1))) return true
  return tree.list(place).some((name) => holdsName(tree, `${place === '/' ? '' : place}/${name}`, pattern))
}
