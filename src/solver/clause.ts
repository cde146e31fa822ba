import type { ArchivePackage, Dependency, PackageRelation } from '#debian'
import type { Request } from './request.ts'

/** Where a clause comes from: the fact about requests and packages that it states. */
export type Fact =
  | { readonly kind: 'request'; readonly request: Request; readonly choices: readonly ArchivePackage[] }
  | { readonly kind: 'base'; readonly package: ArchivePackage }
  | {
      readonly kind: 'needs'
      readonly package: ArchivePackage
      readonly field: 'Pre-Depends' | 'Depends'
      readonly dependency: Dependency
      readonly choices: readonly ArchivePackage[]
    }
  | {
      readonly kind: 'conflict'
      readonly package: ArchivePackage
      readonly field: 'Conflicts' | 'Breaks'
      readonly relation: PackageRelation
      readonly other: ArchivePackage
    }
  | { readonly kind: 'same-name'; readonly left: ArchivePackage; readonly right: ArchivePackage }

/**
 * At least one of the literals holds: `v` says that variable `v` is selected, `-v` that it is not. A clause states a
 * fact, or follows from others. The order of the literals is the search's own.
 */
export interface Clause {
  readonly literals: number[]
  readonly fact?: Fact
  readonly from?: readonly Clause[]
}
