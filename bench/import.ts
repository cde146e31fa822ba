/**
 * Times `casemate advisories import` of the packed npm package on an export of Debian's tracker that is as long as the real
 * one: `node --conditions=source bench/import.ts DATA [ROUNDS]`. DATA is a folder of advisory data (`advisory-data.ts`).
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPacked } from '../proof/parts/installed-package.ts'
import { trackerExports } from './advisory-data.ts'
import { measureProcess, median, type ProcessCost } from './process.ts'

/** The most that the issue allows, and how long the export is to be. */
export const IMPORT_LIMITS = { seconds: 8, bytes: 60_000_000 } as const

/** What the benchmark found. */
export interface ImportTimings {
  readonly bytes: number
  readonly sources: number
  readonly issues: number
  readonly seconds: number
  readonly processorSeconds: number
  readonly megabytes: number
  readonly storeBytes: number
  /** What the program says of the part. */
  readonly said: string
}

/** Measures so many rounds, each into an empty cache. Removes everything it made. */
export async function measureImport(data: string | undefined, rounds: number): Promise<ImportTimings> {
  const samples = trackerExports(data).map((file) => readFileSync(file, 'utf8'))
  const root = mkdtempSync(join(tmpdir(), 'casemate-bench-'))
  try {
    const { program } = await installPacked(root)
    const { text, sources, issues } = longExport(samples, IMPORT_LIMITS.bytes)
    const file = join(root, 'export.json')
    writeFileSync(file, text)
    const costs: ProcessCost[] = []
    for (let round = 0; round < rounds; round++) {
      const cache = join(root, `cache-${round}`)
      const command = [process.execPath, program, 'advisories', 'import', file]
      costs.push(await measureProcess(command, { cwd: root, env: { XDG_CACHE_HOME: cache } }))
    }
    return {
      ...{ bytes: statSync(file).size, sources, issues },
      seconds: median(costs.map(({ seconds }) => seconds)),
      processorSeconds: median(costs.map(({ processorSeconds }) => processorSeconds)),
      megabytes: Math.max(...costs.map(({ megabytes }) => megabytes)),
      storeBytes: statSync(join(root, 'cache-0/casemate/advisories/store')).size,
      said: costs[0]?.output.trim() ?? '',
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Repeats exports, sources and CVEs under other names each time, until the text is long enough. */
function longExport(samples: readonly string[], bytes: number) {
  const entries: string[] = []
  let [length, issues] = [0, 0]
  for (let copy = 0; length < bytes; copy++) {
    for (const sample of samples) {
      const document: Readonly<Record<string, Readonly<Record<string, object>>>> = JSON.parse(sample)
      for (const [source, entry] of Object.entries(document)) {
        const renamed = Object.entries(entry).map(([id, issue]) => [copiedIssue(id, copy), issue] as const)
        const text = `${JSON.stringify(`${source}-${copy}`)}: ${JSON.stringify(Object.fromEntries(renamed))}`
        entries.push(text)
        issues += renamed.length
        length += Buffer.byteLength(text) + 2
      }
    }
  }
  return { text: `{${entries.join(', ')}}`, sources: entries.length, issues }
}

/** The same year with a longer number: CVE-2024-12345 becomes CVE-2024-1234507. */
function copiedIssue(id: string, copy: number): string {
  return id.startsWith('CVE-') ? `${id}${String(copy).padStart(2, '0')}` : id
}

/** Whether the import keeps its limit. */
export function keepsImportLimit({ seconds }: ImportTimings): boolean {
  return seconds <= IMPORT_LIMITS.seconds
}

/** Writes what was measured, a line each. */
export function formatImport(timings: ImportTimings): string[] {
  const { bytes, sources, issues, seconds, processorSeconds, megabytes, storeBytes, said } = timings
  const kept = keepsImportLimit(timings) ? 'kept' : 'NOT KEPT'
  return [
    `export of ${(bytes / 1e6).toFixed(1)} MB: ${issues} issues of ${sources} source packages`,
    `${kept}: imported in ${seconds.toFixed(2)} s, at most ${IMPORT_LIMITS.seconds}; processor ${processorSeconds.toFixed(2)} s, peak ${megabytes.toFixed(0)} MB`,
    `store of ${(storeBytes / 1e6).toFixed(1)} MB`,
    said,
  ]
}

if (import.meta.main) {
  console.log(formatImport(await measureImport(process.argv[2], Number(process.argv[3] ?? 3))).join('\n'))
}
