import { readFile } from 'node:fs/promises'
import { hasSystemCode, messageOf } from '#core'
import { type FactorySettings, parseFactorySettings, SETTINGS_FILE } from '#factory'
import { UsageError } from './errors.ts'

/** Reads a factory's settings; where no file is named, those of the folder, or defaults. Throws `SETTINGS_INVALID` and `USAGE_INVALID`. */
export async function readSettings(file: string | undefined): Promise<FactorySettings> {
  const path = file ?? SETTINGS_FILE
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (file === undefined && hasSystemCode(cause, 'ENOENT')) return ''
    throw new UsageError('USAGE_INVALID', `cannot read settings ${path}: ${messageOf(cause)}`, { cause })
  })
  return parseFactorySettings(text, path)
}
