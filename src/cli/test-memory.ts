import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf } from '#core'
import { defaultCacheFolder } from '#debian'
import type { PassedResult, ResultMemory } from '#sandbox'
import { writeWhole } from './print-output.ts'
import { packageVersion } from './version.ts'

const SUM = 64

/** Results of tests in the cache, a file each, for this version of Casemate; what is damaged there counts as unknown. */
export class TestMemory implements ResultMemory {
  readonly #folder: string

  constructor(folder = join(defaultCacheFolder(), 'test-results')) {
    this.#folder = join(folder, packageVersion())
  }

  async recall(key: Digest): Promise<PassedResult | undefined> {
    const text = await readFile(join(this.#folder, hexOf(key)), 'utf8').catch(() => '')
    const rest = text.slice(SUM + 1)
    if (text === '' || sumOf(key, rest) !== text.slice(0, SUM)) return undefined
    // The sum vouches for the form: nobody else writes it.
    const result: PassedResult = JSON.parse(rest)
    return result
  }

  async keep(key: Digest, result: PassedResult): Promise<void> {
    const text = JSON.stringify(result)
    try {
      await mkdir(this.#folder, { recursive: true })
      await writeWhole(`${sumOf(key, text)}\n${text}`, join(this.#folder, hexOf(key)))
    } catch {
      // A folder that is closed to us, or a full disk: the next run is one of all tests.
    }
  }
}

function sumOf(key: Digest, text: string): string {
  return createHash('sha256').update(key).update(text).digest('hex')
}
