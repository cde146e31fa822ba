import { formatChanges, judgeChanges, measureChanges } from '../bench/change.ts'

const ROUNDS = 7

/** The benchmark of changes keeps its limits: overlay, rebase and patch, the last five times faster than apt in buildah. */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const timings = await measureChanges(ROUNDS)
  return { holds: judgeChanges(timings).every(({ isKept }) => isKept), lines: formatChanges(timings) }
}
