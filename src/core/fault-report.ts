import { type Fault, formatFault } from './shape.ts'
import type { PlacedFault, YamlDocument } from './yaml-document.ts'

/** More faults than anybody reads at once; looking up the places of thousands would take long. */
const MAX_FAULTS = 20

/** Gives the first 20 faults of a value with their places in the text that it was read from. */
export function placeFaults(faults: readonly Fault[], { locate }: Pick<YamlDocument, 'locate'>): PlacedFault[] {
  return faults
    .slice(0, MAX_FAULTS)
    .map((fault) => ({ place: locate(fault.path, fault.at), message: formatFault(fault) }))
}

/**
 * Says what is wrong with a file, in the order of its text: `cannot read lock a.lock:3:1: unknown key …`, or for several
 * faults a line each. `intent` is the part before the file's name; `count` tells how many faults there are in all.
 */
export function reportFaults(
  intent: string,
  file: string,
  faults: readonly PlacedFault[],
  count: number = faults.length,
): string {
  const lines = [...faults]
    .sort((left, right) => left.place.line - right.place.line || left.place.column - right.place.column)
    .map(({ place, message }) => `${file}:${place.line}:${place.column}: ${message}`)
  if (count === 1) return `${intent} ${lines[0]}`
  const more = count > lines.length ? [`and ${count - lines.length} more`] : []
  return [`${intent} ${file}: ${count} faults`, ...lines, ...more].join('\n  ')
}
