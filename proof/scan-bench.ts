import { formatScans, judgeScans, measureScans } from '../bench/scan.ts'
import { peerPlaces } from '../bench/scan-peers.ts'
import { provideBenchDatabases } from './parts/peer-databases.ts'

const ROUNDS = 7

/**
 * The benchmark of scans keeps its limits: matching within 60 ms; a new process from the layout within 0.6 s and 250 MB;
 * five times faster than trivy and grype, and than syft for the inventory alone. That is claimed of an image that was built here, or
 * scanned before; what an image takes whose layers this machine never saw stands beside it. The argument is the folder of advisory data, unless CASEMATE_ADVISORY_DATA
 * names it. The scanners' databases are made of the same data where they are missing; the scanners themselves are `npm run peers`.
 */
export async function run([data]: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  await provideBenchDatabases(data, peerPlaces())
  const timings = await measureScans(data, ROUNDS)
  return { holds: judgeScans(timings).every(({ isKept }) => isKept), lines: formatScans(timings) }
}
