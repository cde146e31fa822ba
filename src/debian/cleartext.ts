import { DebianError } from './errors.ts'

/** The two parts of a message in the cleartext signature framework (RFC 9580 §7). */
export interface CleartextMessage {
  /** What the signature covers: dash-escaping undone, trailing white space of lines removed, lines joined by `\n`. */
  readonly text: string
  /** The armored signature block, with its first and last line. */
  readonly signature: string
}

const BEGIN_MESSAGE = '-----BEGIN PGP SIGNED MESSAGE-----'
const BEGIN_SIGNATURE = '-----BEGIN PGP SIGNATURE-----'
const END_SIGNATURE = '-----END PGP SIGNATURE-----'

/**
 * Takes apart a file that must be exactly one cleartext-signed message: nothing before it, after it or between its
 * parts, no armor header but `Hash`. So what is parsed afterwards is what the signature covers, byte for byte.
 * Throws `SUITE_INVALID`.
 */
export function parseCleartext(bytes: Uint8Array, origin: string): CleartextMessage {
  const lines = decode(bytes, origin).split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (lines[0] !== BEGIN_MESSAGE) throw invalid(origin, `line 1 is not "${BEGIN_MESSAGE}"`)
  const bodyStart = skipHeaders(lines, origin)
  const bodyEnd = lines.indexOf(BEGIN_SIGNATURE, bodyStart)
  if (bodyEnd < 0) throw invalid(origin, 'it has no signature')
  const body = lines.slice(bodyStart, bodyEnd).map((line, index) => unescapeLine(line, bodyStart + index + 1, origin))
  checkArmor(lines, bodyEnd, origin)
  return { text: body.join('\n'), signature: `${lines.slice(bodyEnd).join('\n')}\n` }
}

function decode(bytes: Uint8Array, origin: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (/[\0\r]/.test(text)) throw invalid(origin, 'it holds a NUL or a carriage return')
    return text
  } catch (cause) {
    if (cause instanceof DebianError) throw cause
    throw new DebianError('SUITE_INVALID', `cannot read ${origin}: it is not UTF-8`, { cause })
  }
}

function skipHeaders(lines: readonly string[], origin: string): number {
  let index = 1
  while (lines[index] !== '') {
    const line = lines[index]
    if (line === undefined || !/^Hash: [A-Z0-9, -]+$/.test(line)) {
      throw invalid(origin, `line ${index + 1} is no "Hash" header, the only one a signed message may have`)
    }
    index++
  }
  return index + 1
}

function unescapeLine(line: string, number: number, origin: string): string {
  if (line.startsWith('- ')) return line.slice(2).replace(/[ \t]+$/, '')
  if (line.startsWith('-')) throw invalid(origin, `line ${number} starts with a dash that is not escaped`)
  return line.replace(/[ \t]+$/, '')
}

function checkArmor(lines: readonly string[], start: number, origin: string): void {
  let index = start + 1
  while (/^(Version|Comment): /.test(lines[index] ?? '')) index++
  if (lines[index] !== '') throw invalid(origin, `line ${index + 1}: an empty line must come before the signature`)
  index++
  while (/^[A-Za-z0-9+/=]+$/.test(lines[index] ?? '')) index++
  if (lines[index] !== END_SIGNATURE) throw invalid(origin, `line ${index + 1} belongs to no signature`)
  if (index + 1 !== lines.length) throw invalid(origin, `line ${index + 2} comes after the signature's end`)
}

function invalid(origin: string, reason: string): DebianError {
  return new DebianError('SUITE_INVALID', `cannot read ${origin}: ${reason}`)
}
