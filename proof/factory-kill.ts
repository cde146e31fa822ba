import { killFactory } from '../test/e2e/factory-kills.ts'

/**
 * Kills workers, the database and the registry of a factory with SIGKILL at random while it releases two families of images again and again,
 * with two schedulers, messages that are delivered twice, and a disk of the registry that is full for seconds. Holds when every run ended and each image of it with a reason, every event was
 * answered, each release was gated and happened once, and every tag names what was released last and is signed.
 */
export async function run([times = '300']: readonly string[]): Promise<{ holds: boolean; lines: string[] }> {
  const cleanups: (() => unknown)[] = []
  try {
    const t = { after: (end: () => unknown) => void cleanups.push(end) }
    const { kills, fullDisks, duplicates, runs, releases, failed, faults } = await killFactory(t, Number(times))
    const total = kills.worker + kills.database + kills.registry
    const lines = [
      `${total} kills: ${kills.worker} of workers, ${kills.database} of the database, ${kills.registry} of the registry; its disk ${fullDisks === undefined ? 'was not one that could be filled' : `full ${fullDisks} times`}; ${duplicates} messages delivered twice`,
      `${runs} runs of 6 images by 3 workers: ${releases} releases, ${failed.length} images failed with a reason, ${faults.length} faults in the history`,
      ...failed.map((line) => `failed: ${line}`),
      ...faults.map((line) => `FAULT: ${line}`),
    ]
    return { holds: faults.length === 0 && total >= Number(times) && releases > runs, lines }
  } finally {
    for (const end of cleanups.toReversed()) await end()
  }
}
