import type { Json } from '#core'
import type { Lock, LockedPlatform } from './lock.ts'

/** The version of the file's own grammar, apart from the layer format. */
export const LOCK_VERSION = 1

/**
 * Writes a lock as JSON in one fixed form: keys and lists in order, one package a line, so that a patched package is a
 * changed line. The same lock gives the same text whatever the order it was put together in.
 */
export function formatLock(lock: Lock): string {
  const observed = sorted(lock.observed, ({ archive, suite }) => `${archive} ${suite}`).map((suite) => ({
    archive: suite.archive,
    suite: suite.suite,
    codename: suite.codename,
    suiteField: suite.suiteField,
    date: suite.date,
    validUntil: suite.validUntil,
    inRelease: suite.inRelease,
    signers: [...suite.signers].sort(),
    expired: suite.expired,
    stale: suite.stale,
  }))
  return `{
  "version": ${LOCK_VERSION},
  "format": ${lock.format},
  "image": ${JSON.stringify(lock.image)},
  "definitions": ${members(lock.definitions, '  ', (digest) => JSON.stringify(digest))},${formatBase(lock)}
  "observed": ${rows(observed, '  ')},
  "platforms": ${members(lock.platforms, '  ', formatPlatform)}
}
`
}

/** The base's lock is written as a lock is, further in. */
function formatBase({ base }: Lock): string {
  if (base === undefined) return ''
  const lock = formatLock(base.lock).trimEnd().replaceAll('\n', '\n    ')
  return `
  "base": {
    "from": ${JSON.stringify(base.from)},
    "lock": ${lock}
  },`
}

function formatPlatform({ packages, derived }: LockedPlatform): string {
  const packageRows = sorted(packages, ({ name, architecture }) => `${name} ${architecture}`).map((one) => ({
    name: one.name,
    version: one.version,
    architecture: one.architecture,
    archive: one.archive,
    suite: one.suite,
    filename: one.filename,
    size: one.size,
    digest: one.digest,
    source: { name: one.source.name, version: one.source.version },
    layers: Object.fromEntries(sorted(Object.entries(one.layers), ([variant]) => variant)),
  }))
  const derivedRows = sorted(derived, ({ effect, variant }) => `${effect} ${variant}`).map((one) => ({
    effect: one.effect,
    variant: one.variant,
    digest: one.digest,
    size: one.size,
  }))
  return `{
      "packages": ${rows(packageRows, '      ')},
      "derived": ${rows(derivedRows, '      ')}
    }`
}

function members<Value>(
  record: Readonly<Record<string, Value>>,
  indent: string,
  format: (value: Value) => string,
): string {
  const lines = sorted(Object.entries(record), ([key]) => key).map(([key, value]) => {
    return `${indent}  ${JSON.stringify(key)}: ${format(value)}`
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`
}

/** A list with one member a line. */
function rows(list: readonly Json[], indent: string): string {
  if (list.length === 0) return '[]'
  return `[\n${list.map((row) => `${indent}  ${JSON.stringify(row)}`).join(',\n')}\n${indent}]`
}

/** In code-unit order of a key. */
function sorted<Member>(list: readonly Member[], keyOf: (member: Member) => string): readonly Member[] {
  return [...list].sort((left, right) => {
    const [one, other] = [keyOf(left), keyOf(right)]
    return one < other ? -1 : one > other ? 1 : 0
  })
}
