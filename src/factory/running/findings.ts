import type { Reason } from '../plan.ts'

/** The findings that reasons answer, as clocks name them: the advisory and the source package. What waits is not answered. */
export function findingsOf(reasons: readonly Reason[]): readonly string[] {
  const answered = reasons.filter(({ waits }) => waits === undefined)
  return [
    ...new Set(
      answered.flatMap(({ advisories, source, changes }) => {
        const name = source ?? changes[0]?.package
        return advisories.map((advisory) => (name === undefined ? advisory : `${advisory} ${name}`))
      }),
    ),
  ]
}
