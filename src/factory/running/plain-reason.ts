import { visibleText } from '#core'

/** Characters of a reason that are kept: enough for a person, and no log file. */
const LONGEST = 2000

/**
 * A reason as it can be recorded and shown, whatever an image, a registry or a program has put into it: without what databases
 * refuse or terminals obey, never empty, and with an end.
 */
export function plainReason(text: string): string {
  const line = text
    .slice(0, 2 * LONGEST)
    .toWellFormed()
    .trim()
    .replaceAll(/:?\s*\n\s*/g, '; ')
  const plain = visibleText(line)
  if (plain === '') return 'no reason was given'
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST - 1).toWellFormed()}…` : plain
}
