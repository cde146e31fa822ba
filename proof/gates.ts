import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalogueImages } from './parts/catalogue.ts'
import { runOrThrow, runProgram } from './parts/command.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]

/** What `casemate gate --json` says of one gate. */
interface GateLine {
  readonly name: string
  readonly verdict: string
  readonly severity: string
  readonly violations?: readonly string[]
  readonly undecided?: string
}

/**
 * Every image of the catalogue, all variants, for amd64, is built, tested, and held against the default policies, without any
 * exception. Holds when each passes: no gate refuses one, and none is left undecided. The advisories that are here decide on
 * findings: the tracker's, DSAs, DLAs and CISA's catalogue have to be, and OSV for images of Go programs; how old they may be is
 * what CASEMATE_STALE and CASEMATE_MAX_AGE say. Arguments are names of images; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'casemate-gates-'))
  try {
    const { stdout } = await runProgram([...CLI, 'advisories', 'status'])
    const lines = [...stdout.trimEnd().split('\n'), '']
    let passed = 0
    const images = (await catalogueImages(only)).filter(({ platform }) => platform === 'linux/amd64')
    for (const { name, variant, platform } of images) {
      const layout = join(folder, `${name}-${variant}`)
      const reference = `oci:${layout}:image`
      const tests = `${layout}.json`
      await runOrThrow([...CLI, 'build', name, '--variant', variant, '--platform', platform, '-o', reference, '--json'])
      const report = await runProgram([...CLI, 'test', reference, '--platform', platform, '--json'])
      await writeFile(tests, report.stdout)
      const judged = await runProgram([...CLI, 'gate', reference, '--platform', platform, '--tests', tests, '--json'])
      await rm(layout, { recursive: true, force: true })
      if (judged.status === 0) passed++
      lines.push(`${judged.status === 0 ? 'ok ' : 'NOT'} ${`${name} ${variant}`.padEnd(28)} ${summary(judged)}`)
      console.error(lines.at(-1))
    }
    return {
      holds: passed === images.length && passed > 0,
      lines: [...lines, '', `${passed} of ${images.length} pass`],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function summary({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  if (stdout === '') return stderr.trim()
  const { gates }: { readonly gates: readonly GateLine[] } = JSON.parse(stdout)
  const counts = ['passed', 'not-applicable', 'refused', 'undecided']
    .map((kind) => ({ kind, count: gates.filter(({ verdict }) => verdict === kind).length }))
    .filter(({ count }) => count > 0)
  const said = gates
    .filter(({ verdict }) => verdict === 'refused' || verdict === 'undecided')
    .map(({ name, severity, violations = [], undecided }) => {
      return `\n      ${severity} ${name}: ${undecided ?? violations.slice(0, 5).join('; ')}`
    })
  return `${counts.map(({ kind, count }) => `${count} ${kind}`).join(', ')}${said.join('')}`
}
