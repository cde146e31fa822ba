import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT_IN_ARCHIVES } from '#debian'

/**
 * Writes the archive of the release without some of its suites, and its keys, where definitions below `folder` see it: images built
 * from it lack what those suites have brought. Gives the archive's name.
 */
export function layArchiveWithout(folder: string, left: readonly string[]): string {
  const name = `debian-13-without-${left.map((suite) => suite.replace('trixie-', '')).join('-')}`
  const text = readFileSync(join(BUILT_IN_ARCHIVES, 'debian-13.yaml'), 'utf8')
  const isLeft = (part: string) => left.some((suite) => part.startsWith(`  - suite: ${suite}\n`))
  const suites = text.split(/^(?= {2}- suite: )/m).filter((part) => !isLeft(part))
  const changed = suites.join('').replace('archive: debian-13\n', `archive: ${name}\n`)
  for (const suite of left) {
    if (changed.includes(`- suite: ${suite}\n`)) throw new Error(`cannot leave ${suite} out of debian-13.yaml`)
  }
  mkdirSync(join(folder, 'archives'), { recursive: true })
  writeFileSync(join(folder, 'archives', `${name}.yaml`), changed)
  cpSync(join(BUILT_IN_ARCHIVES, 'keys'), join(folder, 'archives', 'keys'), { recursive: true })
  return name
}
