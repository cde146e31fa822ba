import { definitionMembers } from '#image'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'

/**
 * The references of the images that a definition makes, or of those whose bases `only` names. Throws `USAGE_INVALID` for a name
 * that is none of its bases, and as `definitionMembers`.
 */
export async function chosenMembers(
  reference: string,
  only: readonly string[] | undefined,
): Promise<readonly string[]> {
  const members = await definitionMembers(reference, { workingFolder: process.cwd() })
  if (only === undefined) return members
  const names = members.map((member) => member.slice(member.lastIndexOf('#') + 1))
  const known = members[0] === reference ? [] : names
  const unknown = only.find((name) => !known.includes(name))
  if (unknown === undefined) return members.filter((_, index) => only.includes(names[index] ?? ''))
  const there = known.length === 0 ? 'it makes one image' : `it has the bases ${known.join(', ')}`
  throw new UsageError('USAGE_INVALID', `cannot choose ${unknown} of ${reference}: ${there}`)
}

/** Does something for each image of a definition, in order; the worst status is that of all. */
export async function everyMember(
  members: readonly string[],
  work: (member: string) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  let worst: ExitStatus = exitStatus.done
  for (const member of members) {
    const status = await work(member)
    if (status > worst) worst = status
  }
  return worst
}
