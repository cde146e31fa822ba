/** Bytes of a content: from `start` up to, and without, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** What a Range header asks of a content: all of it, one part, or what it cannot give. */
export type RequestedRange = ByteRange | 'whole' | 'unsatisfiable'

/**
 * Reads a Range header for a content of `size` bytes (RFC 9110 §14). A unit that is not `bytes` is ignored, as the RFC
 * says; several ranges, a last byte before the first and a start behind the end are refused.
 */
export function readRange(header: string | undefined, size: number): RequestedRange {
  if (header === undefined || !/^bytes=/i.test(header)) return 'whole'
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header)
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return 'unsatisfiable'
  if (first === '')
    return Number(last) === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - Number(last)), end: size }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  return start < end ? { start, end } : 'unsatisfiable'
}

/** Reads the Content-Range of a chunk, `START-END` with both ends in it (distribution-spec §pushing-a-blob-in-chunks). */
export function readChunkRange(header: string): ByteRange | undefined {
  const [, first, last] = /^(?:bytes[= ])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header) ?? []
  const start = Number(first)
  const end = Number(last) + 1
  return first !== undefined && start < end ? { start, end } : undefined
}
