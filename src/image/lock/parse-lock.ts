import {
  type DocumentPath,
  type Fault,
  faultsOf,
  parseDigest,
  parseYaml,
  placeFaults,
  quote,
  reportFaults,
} from '#core'
import { ImageError } from '../errors.ts'
import { formatLock, LOCK_VERSION } from './format-lock.ts'
import { FORMATS } from './formats.ts'
import { compareLocked, type Lock, packageKey } from './lock.ts'
import { type LockDocument, lockSchema } from './lock-schema.ts'

const MAX_LENGTH = 32 * 1024 * 1024
const MAX_VALUES = 4_000_000
/** Keys on the way to the lowest base: twenty images that stack on each other. */
const MAX_DEPTH = 40

/**
 * Reads a lock's text; `file` is the name that errors give it. Its layout may differ from what `formatLock` writes, its
 * meaning may not be in doubt: no duplicate keys, no package twice, the runtime's packages in every variant, nothing but
 * relative paths. Throws `LOCK_INVALID` with lines and columns, also for a layer format or lock version of the future.
 */
export function parseLock(text: string, file: string): Lock {
  if (text.length > MAX_LENGTH) throw refused(file, `it is longer than ${MAX_LENGTH} characters`)
  const lock = readLock(parseJson(text, file), [], { text, file })
  // JSON.parse takes the last of two equal keys; text in our own form has no such keys, other text is looked through.
  if (formatLock(lock) !== text) refuseDuplicateKeys(text, file)
  return lock
}

interface LockText {
  readonly text: string
  readonly file: string
}

/** Reads a lock that stands at `path` in a lock file: the base's stands in the overlay's. */
function readLock(value: unknown, path: DocumentPath, source: LockText): Lock {
  checkVersions(value, source.file)
  const faults = faultsOf(lockSchema, value, path)
  if (!isLockDocument(value, faults)) throw invalid(source, faults)
  const doubts = doubtsAbout(value).map((doubt) => ({ ...doubt, path: [...path, ...doubt.path] }))
  if (doubts.length > 0) throw invalid(source, doubts)
  const lock = lockOf(value)
  if (value.base === undefined) return lock
  const below = [...path, 'base', 'lock']
  if (below.length > MAX_DEPTH)
    throw refused(source.file, `more than ${MAX_DEPTH / 2} images stack on each other in it`)
  const base = readLock(value.base.lock, below, source)
  const reason = baseDoubt(lock, base)
  if (reason !== undefined) throw invalid(source, [{ path: [...path, 'base'], at: 'key', message: reason }])
  return { ...lock, base: { from: value.base.from, lock: base } }
}

/** An overlay has no platform or variant that its base does not have. */
function baseDoubt(lock: Lock, base: Lock): string | undefined {
  const lacks = (names: object, known: object) => Object.keys(names).find((name) => !Object.hasOwn(known, name))
  const missing = lacks(lock.platforms, base.platforms) ?? lacks(lock.definitions, base.definitions)
  return missing === undefined ? undefined : `the base ${base.image} has no ${missing}`
}

function parseJson(text: string, file: string): unknown {
  if (/^(?:<{7}|={7}|>{7})/m.test(text)) {
    throw refused(file, 'it has conflict marks of git in it; take one side and run `casemate lock` again')
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    const document = parseYaml(text, MAX_VALUES)
    const [first] = 'value' in document ? [] : document
    const place = first === undefined ? '' : `:${first.place.line}:${first.place.column}`
    throw new ImageError('LOCK_INVALID', `cannot read lock ${file}${place}: it is no JSON`, { cause })
  }
}

/** Looked at before everything else: a lock of the future may have any shape. */
function checkVersions(value: unknown, file: string): void {
  if (typeof value !== 'object' || value === null) return
  if ('version' in value && Number.isSafeInteger(value.version) && value.version !== LOCK_VERSION) {
    throw refused(file, `its version is ${value.version}, this Casemate reads version ${LOCK_VERSION}`)
  }
  if ('format' in value && Number.isSafeInteger(value.format) && !FORMATS.some((known) => known === value.format)) {
    const known = FORMATS.join(', ')
    throw refused(file, `its layer format is ${value.format}, this Casemate writes ${known}; a newer one may know it`)
  }
}

/** The schema is where the document's type is inferred from, so a value without faults has it. */
function isLockDocument(_value: unknown, faults: readonly Fault[]): _value is LockDocument {
  return faults.length === 0
}

/** What the shape cannot say. */
function doubtsAbout(document: LockDocument): readonly Fault[] {
  const variants = Object.keys(document.definitions)
  const faults: Fault[] = []
  if (!variants.includes('runtime')) faults.push(fault(['definitions'], '`runtime` is missing'))
  for (const [platform, { packages, derived }] of Object.entries(document.platforms)) {
    const seen = new Set<string>()
    for (const [index, one] of packages.entries()) {
      const path = ['platforms', platform, 'packages', index]
      const key = packageKey(one)
      if (seen.has(key)) faults.push(fault(path, `${key} stands here for the second time`))
      seen.add(key)
      const places = Object.keys(one.layers)
      const unknown = places.find((variant) => !variants.includes(variant))
      if (unknown !== undefined)
        faults.push(fault([...path, 'layers', unknown], `there is no variant ${quote(unknown)}`))
      if (places.length === 0) faults.push(fault([...path, 'layers'], `${key} is in no variant`))
      const lacking = places.includes('runtime') ? variants.filter((variant) => !places.includes(variant)) : []
      if (lacking.length > 0) {
        faults.push(fault([...path, 'layers'], `${key} is in the runtime, so it must be in ${lacking.join(', ')} too`))
      }
    }
    for (const [index, { variant }] of derived.entries()) {
      const path = ['platforms', platform, 'derived', index, 'variant']
      if (!variants.includes(variant)) faults.push(fault(path, `there is no variant ${quote(variant)}`))
    }
  }
  return faults
}

function fault(path: Fault['path'], message: string): Fault {
  return { path, at: 'value', message }
}

function lockOf({ format, image, definitions, platforms, observed }: LockDocument): Lock {
  return {
    image,
    format,
    definitions: mapValues(definitions, parseDigest),
    platforms: mapValues(platforms, ({ packages, derived }) => ({
      packages: packages.map((one) => ({ ...one, digest: parseDigest(one.digest) })).sort(compareLocked),
      derived: derived.map((one) => ({ ...one, digest: parseDigest(one.digest) })),
    })),
    observed: observed.map((suite) => ({ ...suite, inRelease: parseDigest(suite.inRelease) })),
  }
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}

function refuseDuplicateKeys(text: string, file: string): void {
  const document = parseYaml(text, MAX_VALUES)
  if ('value' in document) return
  const [first] = document
  throw new ImageError(
    'LOCK_INVALID',
    `cannot read lock ${file}:${first?.place.line}:${first?.place.column}: ${first?.message}`,
  )
}

/** JSON is YAML: the places are looked up only now that they are needed. */
function invalid({ text, file }: LockText, faults: readonly Fault[]): ImageError {
  const document = parseYaml(text, MAX_VALUES)
  // JSON with tabs is no YAML.
  const placed = placeFaults(faults, 'value' in document ? document : { locate: () => ({ line: 1, column: 1 }) })
  return new ImageError('LOCK_INVALID', reportFaults('cannot read lock', file, placed, faults.length))
}

function refused(file: string, reason: string): ImageError {
  return new ImageError('LOCK_INVALID', `cannot read lock ${file}: ${reason}`)
}
