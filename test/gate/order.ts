import { spawnSync } from 'node:child_process'

const answers = new Map<string, boolean>()

/**
 * Tells whether a version is lower than another, by dpkg itself: labels must not rest on the order that they judge.
 * Throws when dpkg gives no answer.
 */
export function isLower(left: string, right: string): boolean {
  const key = `${left} ${right}`
  const known = answers.get(key)
  if (known !== undefined) return known
  const { status, stderr } = spawnSync('dpkg', ['--compare-versions', left, 'lt', right], { encoding: 'utf8' })
  if ((status !== 0 && status !== 1) || stderr !== '') {
    throw new Error(`cannot compare ${left} with ${right}: ${stderr}`)
  }
  answers.set(key, status === 0)
  return status === 0
}

/** The highest of versions, by dpkg. */
export function highest(versions: readonly string[]): string | undefined {
  return versions.reduce<string | undefined>(
    (best, version) => (best === undefined || isLower(best, version) ? version : best),
    undefined,
  )
}
