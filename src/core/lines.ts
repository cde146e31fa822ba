/** How long a line may be, and what is thrown for a longer one, whose number is given, from 1. */
export interface LineLimit {
  readonly maxBytes: number
  readonly tooLong: (line: number) => Error
}

/** Takes bytes apart into lines, each with its line feed, which the last one may lack. Holds one line in memory. */
export async function* readLines(bytes: AsyncIterable<Uint8Array>, limit: LineLimit): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let length = 0
  let line = 1
  for await (const chunk of bytes) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end + 1))
      length += end + 1 - start
      if (length > limit.maxBytes) throw limit.tooLong(line)
      yield parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
      parts = []
      length = 0
      line++
      start = end + 1
    }
    parts.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > limit.maxBytes) throw limit.tooLong(line)
  }
  if (length > 0) yield Buffer.concat(parts)
}
