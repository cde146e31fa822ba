import type { ApplicationEcosystem } from '../inventory.ts'

/** A package that a file says is there. */
export interface FoundPackage {
  readonly ecosystem: ApplicationEcosystem
  /** As OSV names it. */
  readonly name: string
  readonly version: string
  /** The file that says so; of a nested archive `outer.jar!/inner.jar`. */
  readonly path: string
  readonly licence?: string
  /** Of a gem that is not for every platform. */
  readonly platform?: string
}

/** What one file says. */
export interface FileReading {
  readonly packages: readonly FoundPackage[]
  /** What could not be read, a line each. */
  readonly faults: readonly string[]
}

/** The reading of a file that is of no package. */
export const NOTHING: FileReading = { packages: [], faults: [] }

/** The reading of a file that cannot be read. */
export function unreadable(path: string, reason: string): FileReading {
  return { packages: [], faults: [`cannot read ${path}: ${reason}`] }
}

/** Whether a text may stand as a name or version: short, and of visible characters only. */
export function isPlain(text: unknown): text is string {
  return typeof text === 'string' && text.length > 0 && text.length <= 512 && /^[\x21-\x7e]+$/.test(text)
}
