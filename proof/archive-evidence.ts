import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DebianFinding } from '#match'
import { runOrThrow, runProgram } from './parts/command.ts'
import { layArchiveWithout } from './parts/older-archive.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')

/**
 * Findings by the archive alone: images are built from trixie without its security suite, and with it; both are scanned
 * against today's archive, in a cache without any advisories. Holds when the first have findings with CVE names and a
 * version to go to, and the second have none left. Arguments are names of images; python, node and nginx unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-evidence-'))
  try {
    const archive = layArchiveWithout(folder, ['trixie-security'])
    const images: ImageProof[] = []
    for (const name of only.length > 0 ? only : ['python', 'node', 'nginx'])
      images.push(await proveImage(name, { folder, archive }))
    const holds = images.every(({ before, after }) => before.some(isNamed) && after.length === 0)
    return { holds, lines: images.flatMap(linesOf) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface ImageProof {
  readonly name: string
  readonly before: readonly DebianFinding[]
  readonly after: readonly DebianFinding[]
  readonly warnings: readonly string[]
  readonly diff: readonly string[]
}

async function proveImage(
  name: string,
  { folder, archive }: { readonly folder: string; readonly archive: string },
): Promise<ImageProof> {
  const definition = join(folder, `${name}.yaml`)
  writeFileSync(definition, `image: ${name}\narchive: ${archive}\nextends: ${name}\n`)
  const old = `oci:${join(folder, `${name}-old`)}:image`
  const now = `oci:${join(folder, `${name}-now`)}:image`
  await casemate('build', definition, '--platform', 'linux/amd64', '-o', old)
  await casemate('build', name, '--platform', 'linux/amd64', '-o', now)
  const [before, after] = [await scan(old), await scan(now)]
  const diff = await compare(old, now)
  return { name, before: before.findings, after: after.findings, warnings: before.warnings, diff }
}

async function scan(reference: string): Promise<{ findings: readonly DebianFinding[]; warnings: readonly string[] }> {
  const args = ['scan', reference, '--platform', 'linux/amd64', '--evidence', 'archive', '--json']
  const { status, stdout, stderr } = await runProgram([process.execPath, '--conditions=source', CLI, ...args])
  if (status !== 0) throw new Error(`cannot scan ${reference}: ${stderr}`)
  return { findings: JSON.parse(stdout).findings, warnings: stderr.trim().split('\n') }
}

/** What `casemate diff` says of findings: a page of text, which ends with 1 for images that differ. */
async function compare(old: string, now: string): Promise<readonly string[]> {
  const args = ['diff', old, now, '--platform', 'linux/amd64', '--evidence', 'archive']
  const { status, stdout, stderr } = await runProgram([process.execPath, '--conditions=source', CLI, ...args])
  if (status !== 1) throw new Error(`cannot compare ${old} with ${now}: it ended with ${status}: ${stderr}`)
  return stdout.split('\n')
}

function casemate(...args: readonly string[]): Promise<string> {
  return runOrThrow([process.execPath, '--conditions=source', CLI, ...args])
}

function isNamed({ cve, fixedIn }: DebianFinding): boolean {
  return cve.startsWith('CVE-') && fixedIn !== undefined
}

function linesOf({ name, before, after, warnings, diff }: ImageProof): string[] {
  const sources = new Map<string, DebianFinding[]>()
  for (const finding of before) sources.set(finding.source, [...(sources.get(finding.source) ?? []), finding])
  return [
    `${name}: without trixie-security ${before.length} findings, ${before.filter(isNamed).length} with a CVE; with it ${after.length}`,
    ...[...sources].map(([source, [first, ...more]]) => {
      const example = `${first?.cve}, ${first?.evidence.origin}, ${first?.evidence.place}`
      return `  ${source} ${first?.evidence.comparison}: ${more.length + 1} (${example})`
    }),
    ...warnings.filter((line) => line.includes('ARCHIVE')).map((line) => `  ${line}`),
    ...diff
      .filter((line) => /findings?|CVE-/i.test(line))
      .slice(0, 12)
      .map((line) => `  diff: ${line}`),
    '',
  ]
}
