import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOrThrow, runShell } from './parts/command.ts'

const CLI = join(import.meta.dirname, '../dist/cli/main.js')
const COLD = 360
const WARM = 60

/**
 * Builds the whole catalogue, every variant for both platforms, by one command with the built program: first with all .debs
 * at hand and no member, then again with members at hand but layers and output gone. Holds when the first takes 6 minutes
 * at most, the second 60 seconds, and both give the same digests.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'casemate')
  const folder = mkdtempSync(join(cache, '..', 'casemate-whole-'))
  try {
    // Whatever is not at hand yet is fetched, untimed; then the .debs and indexes are linked into a cache of their own.
    await build(join(folder, 'first'), join(cache, '..'))
    await runShell('mkdir -p "$2/casemate"; cp -al "$1/objects" "$1/indexes" "$1/suites" "$2/casemate"', cache, folder)
    rmSync(join(folder, 'first'), { recursive: true })
    const cold = await build(join(folder, 'cold'), folder)
    rmSync(join(folder, 'cold'), { recursive: true })
    rmSync(join(folder, 'casemate/layers'), { recursive: true })
    const warm = await build(join(folder, 'warm'), folder)
    const isSame = JSON.stringify(cold.digests) === JSON.stringify(warm.digests)
    const images = new Set(cold.digests.map(([name]) => name))
    const lines = [
      `${images.size} images, ${cold.digests.length} variants for two platforms`,
      `cold, .debs at hand: ${cold.seconds.toFixed(1)} s (at most ${COLD})`,
      `warm, members at hand: ${warm.seconds.toFixed(1)} s (at most ${WARM})`,
      `the same digests: ${isSame ? 'yes' : 'NO'}`,
      '',
      ...cold.digests.map(([name, variant, digest]) => `${name.padEnd(20)} ${variant.padEnd(8)} ${digest}`),
    ]
    return { holds: isSame && cold.seconds <= COLD && warm.seconds <= WARM, lines }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function build(output: string, cacheHome: string) {
  const start = performance.now()
  const command = [process.execPath, CLI, 'catalog', 'build', '--json', '-o', `oci:${output}`]
  const stdout = await runOrThrow(command, { env: { XDG_CACHE_HOME: cacheHome }, cwd: tmpdir() })
  const seconds = (performance.now() - start) / 1000
  const built: readonly { name: string; variant: string; digest: string }[] = JSON.parse(stdout)
  return { seconds, digests: built.map(({ name, variant, digest }) => [name, variant, digest] as const) }
}
