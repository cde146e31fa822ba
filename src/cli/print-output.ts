import { rename, rm, writeFile } from 'node:fs/promises'
import { messageOf } from '#core'
import { UsageError } from './errors.ts'
import type { Terminal } from './terminal.ts'

/**
 * Prints a result, or writes it to a file, which is seen whole or not at all. Throws `USAGE_INVALID` when the file cannot be
 * written.
 */
export async function printOutput(text: string, file: string | undefined, terminal: Terminal): Promise<void> {
  if (file === undefined) {
    terminal.print(text.trimEnd())
    return
  }
  await writeWhole(text, file)
}

/** Writes a file that is seen whole or not at all. Throws `USAGE_INVALID` when it cannot be written. */
export async function writeWhole(text: string, file: string): Promise<void> {
  const unfinished = `${file}.${process.pid}.tmp`
  try {
    await writeFile(unfinished, text)
    await rename(unfinished, file)
  } catch (cause) {
    await rm(unfinished, { force: true })
    throw new UsageError('USAGE_INVALID', `cannot write ${file}: ${messageOf(cause)}`, { cause })
  }
}
