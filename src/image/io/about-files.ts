import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#core'
import { type About, parseAbout } from '../catalogue/about.ts'
import { ImageError } from '../errors.ts'
import { catalogueFolder } from './definition-files.ts'

/**
 * Reads what a catalogue image says of itself: `about.yaml` in its folder. Throws `DEFINITION_NOT_FOUND` when there is none,
 * and as `parseAbout` does.
 */
export async function readAbout(name: string, catalogue: string = catalogueFolder()): Promise<About> {
  const file = join(catalogue, name, 'about.yaml')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ImageError('DEFINITION_NOT_FOUND', `cannot read about file ${file}: ${messageOf(cause)}`, { cause })
  })
  return parseAbout(text, file)
}
