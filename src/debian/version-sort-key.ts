import type { DebVersion } from './package.ts'
import { splitVersion } from './version.ts'

const TILDE = 0x01
const END = 0x02
const LETTERS = 0x03
const OTHERS = 0x40
const BEYOND_ASCII = 0xc0
/** Digits that one byte of a number's length can count. */
const LENGTH_STEP = 0xff

/**
 * Gives bytes that order as the versions do, compared byte by byte: `compareVersions` for a database's index. Versions that
 * are equal to dpkg (`1.0` and `0:1.00-0`) have equal bytes. Total on any text, as `compareVersions` is.
 *
 * Each part becomes runs of other characters, one byte each by their rank, and between them numbers, as the count of their
 * digits and the digits without leading zeros. The end of a run ranks between a tilde and everything else (deb-version(7)).
 */
export function versionSortKey(version: DebVersion): Uint8Array {
  const { epoch, upstream, revision } = splitVersion(version)
  const bytes: number[] = []
  pushNumber(bytes, String(Math.max(epoch, 0)))
  pushPart(bytes, upstream)
  pushPart(bytes, revision)
  return Uint8Array.from(bytes)
}

function pushPart(bytes: number[], part: string): void {
  // The first pair is written even where it is empty, because an empty part equals `0`.
  for (const [index, [, run = '', digits = '']] of [...part.matchAll(/([^0-9]*)([0-9]*)/g)].entries()) {
    if (index > 0 && run === '' && digits === '') break
    for (let at = 0; at < run.length; at++) pushCharacter(bytes, run.charCodeAt(at))
    bytes.push(END)
    pushNumber(bytes, digits)
  }
  bytes.push(END)
}

function pushCharacter(bytes: number[], code: number): void {
  if (code === 126) bytes.push(TILDE)
  else if (code >= 65 && code <= 90) bytes.push(LETTERS + code - 65)
  else if (code >= 97 && code <= 122) bytes.push(LETTERS + 26 + code - 97)
  else if (code < 128) bytes.push(OTHERS + code)
  else bytes.push(BEYOND_ASCII, code >> 8, code & 0xff)
}

function pushNumber(bytes: number[], digits: string): void {
  const significant = digits.replace(/^0+/, '')
  let length = significant.length
  for (; length >= LENGTH_STEP; length -= LENGTH_STEP) bytes.push(LENGTH_STEP)
  bytes.push(length)
  for (let at = 0; at < significant.length; at++) bytes.push(significant.charCodeAt(at))
}
