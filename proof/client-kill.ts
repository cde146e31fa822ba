import { killClients } from '#testkit'

/** Proves that a client killed at random recovers every time; the first argument says how often, 200 unless given. */
export async function run(args: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const times = Number(args[0] ?? 200)
  const stops: (() => Promise<void>)[] = []
  try {
    const { rounds, killed, resumed, failures } = await killClients({ after: (stop) => stops.push(stop) }, times)
    const lines = [
      `clients killed with SIGKILL at a random moment of their work: ${killed} (of ${rounds} started)`,
      `downloads that the next client continued where the killed one had stopped: ${resumed}`,
      `caches on which the next client got every package right: ${rounds - failures.length} of ${rounds}`,
      ...failures,
    ]
    return { holds: failures.length === 0 && killed === times, lines }
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}
