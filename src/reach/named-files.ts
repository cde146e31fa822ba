/** What the texts in a program name: files that it may open by name, which no header says. */
export interface NamedFiles {
  /** Names with `.so` in them and without a slash, as `dlopen` takes them, sorted. */
  readonly libraries: readonly string[]
  /** Absolute paths, sorted. */
  readonly paths: readonly string[]
  /** It uses a call that looks for a program by PATH (exec(3), posix_spawn(3)): by which name cannot be told from texts. */
  readonly runsByName: boolean
}

const MAX_NAMES = 100_000
const MAX_LENGTH = 255
const BY_NAME = ['execvp', 'execvpe', 'execlp', 'posix_spawnp']
const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(/[A-Za-z0-9+._-]/.test(String.fromCharCode(byte))),
)

/**
 * Looks for names of libraries and for absolute paths among the texts of a program, each up to its NUL. A compiler may keep a
 * text as the end of a longer one: a library's name is therefore taken as far back as it can go; it is a hint either way.
 */
export function namedFiles(bytes: Uint8Array): NamedFiles {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const libraries = new Set<string>()
  const paths = new Set<string>()
  for (let at = buffer.indexOf('.so'); at !== -1; at = buffer.indexOf('.so', at + 3)) {
    let start = at
    while (start > 0 && at - start < MAX_LENGTH && isNameByte(buffer[start - 1] ?? 0)) start--
    const text = textAt(buffer, start)
    if (text !== undefined && start < at && /\.so(?:\.[0-9]+)*$/.test(text) && libraries.size < MAX_NAMES) {
      libraries.add(text)
    }
  }
  for (let at = buffer.indexOf('\0/'); at !== -1; at = buffer.indexOf('\0/', at + 2)) {
    const text = textAt(buffer, at + 1)
    if (text !== undefined && text.length > 1 && paths.size < MAX_NAMES) paths.add(text)
  }
  const runsByName = BY_NAME.some((call) => buffer.includes(`\0${call}\0`))
  return { libraries: [...libraries].sort(), paths: [...paths].sort(), runsByName }
}

/** The printable text that begins at a byte and ends at a NUL. */
function textAt(buffer: Buffer, start: number): string | undefined {
  const end = buffer.subarray(start, start + MAX_LENGTH + 1).indexOf(0)
  if (end <= 0) return undefined
  const text = buffer.toString('latin1', start, start + end)
  return /^[\x21-\x7e]+$/.test(text) ? text : undefined
}

/** Letters, digits and `+ - . _`: what a library's file name is made of. */
function isNameByte(byte: number): boolean {
  return NAME_BYTES[byte] === 1
}
