import { readSync, writeSync } from 'node:fs'
import { ImageError } from '../errors.ts'

/**
 * Writes all the bytes, at an offset where one is given: a full disk may take a part of them and say nothing until it is
 * asked again.
 */
export function writeBytes(file: number, bytes: Uint8Array, offset?: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, offset === undefined ? null : offset + done)
  }
}

/** Fills `target` from an offset of a file. Throws `CACHE_DAMAGED` when the file ends before. */
export function readBytes(file: number, target: Uint8Array, offset: number): void {
  if (readSync(file, target, 0, target.length, offset) === target.length) return
  throw new ImageError('CACHE_DAMAGED', `cannot read ${target.length} bytes at ${offset}: the file is shorter`)
}
