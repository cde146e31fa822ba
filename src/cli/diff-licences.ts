import { type LicenceChange, type LicenceComparison, licenceIds } from '#sbom'
import type { DiffSection } from './diff-page.ts'
import { cutText } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** Characters of a list of licences that people are shown; `--json` has it whole. */
const LICENCES_LENGTH = 200
const NONE = '–'
const UNCLASSIFIED = 'not classified'

/** Lists which licences came and went, and of which packages they read otherwise. */
export function licenceSections({ added, removed, changed, unclassified }: LicenceComparison): readonly DiffSection[] {
  const presences = (word: string, licences: LicenceComparison['added']): DiffSection => ({
    kind: 'packages',
    title: `Licences ${word} (${licences.length})`,
    head: ['licence', 'packages'],
    rows: licences.map(({ id, packages }) => [id, packages.join(', ')].map(visibleText)),
  })
  return [
    presences('added', added),
    presences('removed', removed),
    {
      kind: 'packages',
      title: `Packages whose licence reads otherwise (${changed.flatMap(({ packages }) => packages).length})`,
      head: ['no longer', 'now', 'packages'],
      rows: changed.map((change) => [...changedIds(change), change.packages.join(', ')].map(visibleText)),
    },
    {
      kind: 'packages',
      title: `Added packages whose licence is not classified (${unclassified.length})`,
      head: ['packages'],
      rows: unclassified.length === 0 ? [] : [[visibleText(unclassified.join(', '))]],
    },
  ]
}

/** A part of the page's first line; empty where no licence came or went. */
export function licenceSummary({ added, removed }: LicenceComparison): string {
  const parts = [
    added.length === 0 ? '' : `${added.length} added`,
    removed.length === 0 ? '' : `${removed.length} removed`,
  ]
  const text = parts.filter((part) => part !== '').join(', ')
  return text === '' ? '' : `licences: ${text}`
}

/** Expressions can be long, and differ in little: what went and what came is enough, where that tells them apart. */
function changedIds({ from, to }: LicenceChange): readonly [string, string] {
  if (from === undefined || to === undefined) return [shown(from), shown(to)]
  const [left, right] = [licenceIds(from), licenceIds(to)]
  const went = left.filter((id) => !right.includes(id))
  const came = right.filter((id) => !left.includes(id))
  if (went.length + came.length === 0) return [shown(from), shown(to)]
  return [cutText(went.join(', '), LICENCES_LENGTH) || NONE, cutText(came.join(', '), LICENCES_LENGTH) || NONE]
}

function shown(expression: string | undefined): string {
  return expression === undefined ? UNCLASSIFIED : cutText(expression, LICENCES_LENGTH)
}
