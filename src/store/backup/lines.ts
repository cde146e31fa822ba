import { invalid, MAX_LINE } from './format.ts'

/** Takes bytes apart into lines, each with its line feed. Throws `BACKUP_INVALID` for a line that nobody of us wrote so long. */
export async function* readLines(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let length = 0
  let line = 1
  for await (const chunk of bytes) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end + 1)])
      parts = []
      length = 0
      line++
      start = end + 1
    }
    parts.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > MAX_LINE) throw invalid({ name, line }, `it has more than ${MAX_LINE} bytes`)
  }
  if (length > 0) yield Buffer.concat(parts)
}
