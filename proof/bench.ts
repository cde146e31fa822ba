import { formatTimings, keepsLimit, measureBuilds } from '../bench/build.ts'

const JAVA_PEAK_MEGABYTES = 400

/** The benchmark's limits are kept, with and without the host's xz, and java needs at most 400 MB. */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const timings = await measureBuilds(5)
  const peak = Math.max(...timings.filter(({ set }) => set === 'java').map(({ megabytes }) => megabytes ?? 0))
  const cold = new Set(timings.filter(({ kind }) => kind === 'cold').map(({ set }) => set))
  const isEitherColdKept = [...cold].every((set) =>
    timings.some((one) => one.set === set && one.kind.startsWith('cold') && keepsLimit(one)),
  )
  const others = timings.filter(({ kind }) => !kind.startsWith('cold'))
  return {
    holds: isEitherColdKept && others.every(keepsLimit) && peak <= JAVA_PEAK_MEGABYTES,
    lines: [
      ...formatTimings(timings),
      `peak memory of java: ${peak.toFixed(0)} MB, at most ${JAVA_PEAK_MEGABYTES} allowed`,
    ],
  }
}
