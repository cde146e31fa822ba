import { formatImport, keepsImportLimit, measureImport } from '../bench/import.ts'

/**
 * An export of Debian's tracker of 60 MB, made from samples, is imported within 8 s. The argument is the folder of advisory
 * data, unless CASEMATE_ADVISORY_DATA names it.
 */
export async function run([data]: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const timings = await measureImport(data, 5)
  return { holds: keepsImportLimit(timings), lines: formatImport(timings) }
}
