import { declaredLicence } from './declared-licence.ts'
import { type FileReading, isPlain, NOTHING, unreadable } from './found-package.ts'

/** Whether a path is that of an installed package's own `package.json`. */
export function isNpmPackage(path: string): boolean {
  return /\/node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$/.test(path)
}

/** Reads the `package.json` of an installed package; one without name or version, as folders of modules have, is of none. */
export function readNpmPackage(bytes: Uint8Array, path: string): FileReading {
  let document: unknown
  try {
    document = JSON.parse(
      Buffer.from(bytes)
        .toString('utf8')
        .replace(/^\ufeff/, ''),
    )
  } catch {
    return unreadable(path, 'it is not JSON')
  }
  if (typeof document !== 'object' || document === null) return unreadable(path, 'it is not a JSON object')
  const { name, version, license } = { name: undefined, version: undefined, license: undefined, ...document }
  if (name === undefined || version === undefined) return NOTHING
  if (!isPlain(name) || !isPlain(version) || !/^(?:@[^/]+\/)?[^/]+$/.test(name)) {
    return unreadable(path, 'its name or version is none')
  }
  const licence = declaredLicence(license)
  return { packages: [{ ecosystem: 'npm', name, version, path, ...(licence && { licence }) }], faults: [] }
}
