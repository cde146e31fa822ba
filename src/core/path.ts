import { CoreError } from './errors.ts'

/** The longest path that Casemate takes from an archive, in bytes of UTF-8 (Linux's PATH_MAX). */
export const PATH_BYTES = 4096

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it finds
const CONTROL = /[\x00-\x1f\x7f-\x9f]/

/**
 * Gives the absolute path in an image that an archive's relative path names: `./usr/bin/x` and `usr/bin/x/` become
 * `/usr/bin/x` and `/usr/bin/x`; `./` becomes `/`. Throws `PATH_INVALID` for a path that is empty or absolute, has a
 * `..`, an empty or an inner `.` component, control characters, unpaired surrogates, or more than 4096 bytes.
 */
export function normalizeArchivePath(path: string): string {
  if (path === '') throw invalid(path, 'it is empty')
  if (path.length > PATH_BYTES || Buffer.byteLength(path) > PATH_BYTES) throw invalid(path, 'it is over 4096 bytes')
  if (path.startsWith('/')) throw invalid(path, 'it is absolute')
  if (hasControlCharacters(path)) throw invalid(path, 'it has control characters')
  if (!path.isWellFormed()) throw invalid(path, 'it is no Unicode text')
  if (path === '.' || path === './') return '/'
  const start = path.startsWith('./') ? 2 : 0
  const end = path.endsWith('/') ? path.length - 1 : path.length
  const normal = `/${path.slice(start, end)}`
  const odd = /\/(\.{0,2})(?:\/|$)/.exec(normal)
  if (odd !== null)
    throw invalid(path, odd[1] === '' ? 'it has an empty component' : `it has the component "${odd[1]}"`)
  return normal
}

/** Whether a text has C0 or C1 control characters, which no name in a package may have. */
export function hasControlCharacters(text: string): boolean {
  return CONTROL.test(text)
}

/**
 * Whether a path would delete something when it stands in an image layer: any component begins with `.wh.`
 * (image-spec, layer §whiteouts).
 */
export function isWhiteoutPath(path: string): boolean {
  return path.startsWith('.wh.') || path.includes('/.wh.')
}

/** The directory that an absolute path is in; empty for what is at the root, and the root itself. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** The directories above an absolute path, outermost first, without the root. */
export function pathsAbove(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.slice(2).map((_part, index) => parts.slice(0, index + 2).join('/'))
}

function invalid(path: string, reason: string): CoreError {
  return new CoreError('PATH_INVALID', `cannot take path ${JSON.stringify(path.slice(0, 200))}: ${reason}`)
}
