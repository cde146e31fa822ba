import { killClients } from '#testkit'

/** Proves that a client killed at random recovers every time; the first argument says how often, 200 unless given. */
export async function run(args: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const times = Number(args[0] ?? 200)
  const stops: (() => Promise<void>)[] = []
  try {
    const { killed, resumed, failures } = await killClients({ after: (stop) => stops.push(stop) }, times)
    const lines = [
      `clients started: ${times}`,
      `killed with SIGKILL while at work, at a random moment: ${killed}`,
      `downloads that the next client continued where the killed one had stopped: ${resumed}`,
      `caches on which the next client got every package right: ${times - failures.length} of ${times}`,
      ...failures,
    ]
    return { holds: failures.length === 0 && killed > 0, lines }
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}
