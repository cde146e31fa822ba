/** What a service said, fit for a message: one line of printable characters, not too long. */
export function plainWords(text: string): string {
  const line = text.replace(/[^\x20-\x7e]+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)} ...` : line
}
