import { declaredLicence } from './declared-licence.ts'
import { type FileReading, type FoundPackage, isPlain } from './found-package.ts'
import { readZipEntries, readZipFile, type ZipEntry, ZipFault } from './zip-archive.ts'

/** The largest properties or manifest of an archive that is read. */
const LARGEST_TEXT = 2 ** 20
/** The largest nested archive. */
const LARGEST_NESTED = 2 ** 28
/** Bytes that the archives in one file may have together when uncompressed. */
const MOST_BYTES = 2 ** 29
/** Archives in one file; Spring Boot's have hundreds. */
const MOST_ARCHIVES = 5000
/** Archives in archives: an ear holds a war, a war holds jars, a jar seldom holds others. */
const MOST_DEPTH = 6
const MOST_FAULTS = 50

/** Whether a path is that of a Java archive. */
export function isJavaArchive(path: string): boolean {
  return /\.(?:jar|war|ear)$/i.test(path)
}

/**
 * Reads which packages are in a Java archive: those whose Maven properties are in it, several where it was merged from
 * several, or else what its manifest and name say; then the same of every archive in it.
 */
export function readJavaArchive(bytes: Uint8Array, path: string): FileReading {
  const reader = new JavaArchiveReader()
  reader.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), path, 0)
  const { packages, faults } = reader
  const more = faults.length - MOST_FAULTS
  return {
    packages,
    faults: more <= 0 ? faults : [...faults.slice(0, MOST_FAULTS), `cannot read ${more} more archives in ${path}`],
  }
}

class JavaArchiveReader {
  readonly packages: FoundPackage[] = []
  readonly faults: string[] = []
  #bytes = MOST_BYTES
  #archives = 0

  read(archive: Buffer, path: string, depth: number): void {
    const entries = this.#try(path, () => readZipEntries(archive)) ?? []
    this.#identify(archive, entries, path)
    for (const entry of entries.filter(({ name }) => isJavaArchive(name))) {
      const inner = `${path}!/${entry.name}`
      const bytes = this.#try(inner, () => this.#open(archive, entry, depth))
      if (bytes !== undefined) this.read(bytes, inner, depth + 1)
    }
  }

  #open(archive: Buffer, entry: ZipEntry, depth: number): Buffer {
    if (depth >= MOST_DEPTH) throw new ZipFault(`it lies more than ${MOST_DEPTH} archives deep`)
    if (++this.#archives > MOST_ARCHIVES) throw new ZipFault(`there are more than ${MOST_ARCHIVES} archives before it`)
    const bytes = readZipFile(archive, entry, Math.min(LARGEST_NESTED, this.#bytes))
    this.#bytes -= bytes.length
    return bytes
  }

  #identify(archive: Buffer, entries: readonly ZipEntry[], path: string): void {
    const maven = entries
      .filter(({ name }) => /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/.test(name))
      .flatMap((entry) => {
        const bytes = this.#try(`${path}!/${entry.name}`, () => readZipFile(archive, entry, LARGEST_TEXT))
        return bytes === undefined ? [] : mavenPackage(parseProperties(bytes.toString('utf8')), path)
      })
    const manifest = entries.find(({ name }) => name.toUpperCase() === 'META-INF/MANIFEST.MF')
    const text = manifest && this.#try(`${path}!/${manifest.name}`, () => readZipFile(archive, manifest, LARGEST_TEXT))
    const headers = parseManifest(text?.toString('utf8') ?? '')
    const licence = declaredLicence(headers.get('bundle-license'))
    if (maven.length === 0) maven.push(...manifestPackage(headers, path))
    const [only, ...others] = maven
    if (only !== undefined && others.length === 0) this.packages.push({ ...only, ...(licence && { licence }) })
    else this.packages.push(...maven)
  }

  #try<T>(path: string, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ZipFault)) throw error
      this.faults.push(`cannot read ${path}: ${error.message}`)
      return undefined
    }
  }
}

function mavenPackage(properties: ReadonlyMap<string, string>, path: string): FoundPackage[] {
  return javaPackage([properties.get('groupId'), properties.get('artifactId'), properties.get('version')], path)
}

/** The artifact that an archive's name says, with the version that its manifest says, and the group where one stands in it. */
function manifestPackage(headers: ReadonlyMap<string, string>, path: string): FoundPackage[] {
  const file = path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '')
  const [, stem, ending] = /^(.+?)-(\d[^/]*)$/.exec(file) ?? []
  const symbolic = headers.get('bundle-symbolicname')?.replace(/;.*/, '').trim()
  const artifact = stem ?? headers.get('implementation-title') ?? symbolic ?? file
  const version = headers.get('implementation-version') ?? headers.get('bundle-version') ?? ending
  return javaPackage([headers.get('implementation-vendor-id') ?? groupOf(symbolic, artifact), artifact, version], path)
}

/** `org.ow2.asm` of the bundle `org.ow2.asm.asm-util`, when the artifact is `asm-util`. */
function groupOf(symbolic: string | undefined, artifact: string): string {
  return symbolic?.endsWith(`.${artifact}`) ? symbolic.slice(0, -artifact.length - 1) : ''
}

function javaPackage([group, artifact, version]: readonly (string | undefined)[], path: string): FoundPackage[] {
  const isName = (text: string | undefined): text is string => isPlain(text) && !/[${}:/]/.test(text)
  if (!isName(artifact) || !isName(version)) return []
  const name = isName(group) ? `${group}:${artifact}` : artifact
  return [{ ecosystem: 'Maven', name, version, path }]
}

/** Reads Java properties; of escapes only those that stand in coordinates, `\:` and `\=`. */
function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r?\n|\r/)) {
    const [, key, value = ''] = /^[ \t]*([^#!\s=:][^\s=:]*)[ \t]*[=:][ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (key !== undefined) properties.set(key, value.replace(/\\([:= ])/g, '$1'))
  }
  return properties
}

/** Reads the main section of a manifest: names in lower case, lines that go on joined (JAR specification). */
function parseManifest(text: string): ReadonlyMap<string, string> {
  const [main = ''] = text.replace(/\r\n?/g, '\n').split('\n\n')
  const headers = new Map<string, string>()
  for (const line of main.replaceAll('\n ', '').split('\n')) {
    const [, key, value = ''] = /^([A-Za-z0-9_-]+): *(.*?) *$/.exec(line) ?? []
    if (key !== undefined && value !== '') headers.set(key.toLowerCase(), value)
  }
  return headers
}
