import { formatRegistryTimings, measureRegistries } from '../bench/registry.ts'

/** Our registry keeps what is asked for against Debian's docker-registry; the first argument says in how many rounds, 3 unless given. */
export async function run(args: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const timings = await measureRegistries(Number(args[0] ?? 3))
  return { holds: timings.every(({ keeps }) => keeps), lines: formatRegistryTimings(timings) }
}
