import { killUp } from '../test/e2e/up-kills.ts'

/**
 * Kills `casemate up`, a whole factory in one process, with SIGKILL again and again while it releases a family of images, and starts it
 * again. Holds when every run ended and each image of it with a reason, every event was answered, each release happened once, every tag
 * names what was released last and is signed, and the newest package is in all.
 */
export async function run([times = '20']: readonly string[]): Promise<{ holds: boolean; lines: string[] }> {
  const cleanups: (() => unknown)[] = []
  try {
    const t = { after: (end: () => unknown) => void cleanups.push(end) }
    const { kills, amidRuns, runs, releases, failed, superseded, faults } = await killUp(t, Number(times))
    const lines = [
      `${kills} kills, ${amidRuns} of them while a run was seen to be open`,
      `${runs} runs, all over, of a family of 3 images: ${releases} releases, ${superseded} images left to a later run that was faster, ${failed.length} failed, ${faults.length} faults`,
      ...failed.map((line) => `failed: ${line}`),
      ...faults.map((line) => `FAULT: ${line}`),
    ]
    return { holds: faults.length === 0 && failed.length === 0 && amidRuns > 0, lines }
  } finally {
    for (const end of cleanups.toReversed()) await end()
  }
}
