import type { Reason } from '../plan.ts'

/** The findings that reasons answer, as clocks name them: the advisory and the package. */
export function findingsOf(reasons: readonly Reason[]): readonly string[] {
  return [
    ...new Set(
      reasons.flatMap(({ advisories, changes }) => {
        const name = changes[0]?.package
        return advisories.map((advisory) => (name === undefined ? advisory : `${advisory} ${name}`))
      }),
    ),
  ]
}
