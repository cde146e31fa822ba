import { editDistance } from '#core'
import { compareText } from './order.ts'

/**
 * Gives up to three names that somebody may have meant: those that continue the text (a library's next soname), and those
 * at most two edits away, nearest first.
 */
export function nearestNames(text: string, names: Iterable<string>): string[] {
  const near: { name: string; distance: number }[] = []
  for (const name of names) {
    const distance = text.length > 3 && name.startsWith(text) ? 1 : editDistance(text, name, 2)
    if (distance <= 2) near.push({ name, distance })
  }
  return near
    .sort(
      (left, right) =>
        left.distance - right.distance || left.name.length - right.name.length || compareText(left.name, right.name),
    )
    .slice(0, 3)
    .map(({ name }) => name)
}
