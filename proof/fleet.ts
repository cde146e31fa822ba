import { fleetOptions, formatFleet, judgeFleet, measureFleet } from '../bench/fleet.ts'

/** As large as issue 7 asks for: 20 bases, 10,000 overlays on two platforms, and 20 images by others. */
const WHOLE = ['--bases=20', '--overlays=10000', '--platforms=linux/amd64,linux/arm64', '--workers=2', '--peers=20']

/**
 * A fix in a package of all images, and one in a package of 1 %, go through a whole factory. Holds when the limits of 10,000
 * overlays are kept; with other arguments, those of `bench/fleet.ts`, the same limits are held against a smaller fleet.
 */
export async function run(args: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const timings = await measureFleet(fleetOptions(args.length === 0 ? WHOLE : args))
  const verdicts = judgeFleet(timings)
  return {
    holds: verdicts.every(({ isKept }) => isKept),
    lines: [
      ...formatFleet(timings),
      '',
      ...verdicts.map(({ text, isKept }) => `${isKept ? 'kept' : 'NOT KEPT'}: ${text}`),
    ],
  }
}
