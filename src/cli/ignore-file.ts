import { readFile } from 'node:fs/promises'
import { hasSystemCode, messageOf } from '#core'
import { type IgnoreRule, parseIgnoreFile } from '#match'
import { UsageError } from './errors.ts'

const DEFAULT = '.casemateignore.yaml'

/**
 * Reads the rules that suppress findings: from the file that is named, or from the working folder's own if there is one.
 * Throws `USAGE_INVALID` when the file that is named cannot be read, and `IGNORE_FILE_INVALID`.
 */
export async function readIgnoreFile(file: string | undefined): Promise<readonly IgnoreRule[]> {
  const path = file ?? DEFAULT
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (file === undefined && hasSystemCode(cause, 'ENOENT')) return []
    throw new UsageError('USAGE_INVALID', `cannot read the ignore file ${path}: ${messageOf(cause)}`, { cause })
  }
  return parseIgnoreFile(text, path)
}
