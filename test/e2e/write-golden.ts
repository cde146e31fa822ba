/** Writes the golden digests of the current format anew; see test/testdata/README.md before running it. */
import { writeFileSync } from 'node:fs'
import { CURRENT_FORMAT } from '#image'
import { buildGolden, goldenFile } from './golden-image.ts'

const stops: (() => Promise<void>)[] = []
const digests = await buildGolden({ after: (stop) => stops.push(stop) })
writeFileSync(goldenFile(CURRENT_FORMAT), `${JSON.stringify(digests, null, 2)}\n`)
for (const stop of stops.reverse()) await stop()
