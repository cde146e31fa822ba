import { type Fault, formatFault } from './shape.ts'
import type { PlacedFault, YamlDocument } from './yaml-document.ts'

const MAX_FAULTS = 20

/** Gives the faults of a value with their places in the text that it was read from. */
export function placeFaults(faults: readonly Fault[], document: Pick<YamlDocument, 'locate'>): readonly PlacedFault[] {
  return faults.map((fault) => ({ place: document.locate(fault.path, fault.at), message: formatFault(fault) }))
}

/**
 * Says what is wrong with a file, in the order of its text: `definition app.yaml:3:1: unknown key …`, or for several
 * faults a line each, of which at most 20 are shown..
 */
export function reportFaults(kind: string, file: string, faults: readonly PlacedFault[]): string {
  const lines = [...faults]
    .sort((left, right) => left.place.line - right.place.line || left.place.column - right.place.column)
    .slice(0, MAX_FAULTS)
    .map(({ place, message }) => `${file}:${place.line}:${place.column}: ${message}`)
  if (faults.length === 1) return `${kind} ${lines[0]}`
  const more = faults.length > lines.length ? [`and ${faults.length - lines.length} more`] : []
  return [`${kind} ${file}: ${faults.length} faults`, ...lines, ...more].join('\n  ')
}
