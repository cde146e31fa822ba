import type { ArchivePackage, DebVersion } from './package.ts'

/** A real package that provides a name. */
export interface Provider {
  readonly package: ArchivePackage
  /** The version it provides the name at, where its `Provides` is versioned. */
  readonly version?: DebVersion
}

/**
 * All packages that a set of suites offers to one native architecture (and to the foreign ones that were asked for).
 * Reading is lazy and cheap; the same name always gives the same frozen objects, so identity is equality.
 */
export interface Universe {
  /** The native architecture, e.g. `amd64`. */
  readonly architecture: string
  /** Foreign architectures whose packages are also offered, in order of preference; usually none. */
  readonly foreignArchitectures: readonly string[]
  /**
   * The packages of that name: native and `all` before foreign ones, then by the suite's priority, then highest
   * version first, then by the order of suites. Exact duplicates (same name, version, architecture, digest) come once.
   * Empty when there is none.
   */
  versions(name: string): readonly ArchivePackage[]
  /** The packages that provide the name (not those that bear it), in the order of name, then as `versions` has it. */
  providers(name: string): readonly Provider[]
  /** Every name borne by a real package, in code-unit order. */
  names(): Iterable<string>
}
