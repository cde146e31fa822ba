import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FORMATS } from '#image'
import { buildGolden, goldenFile } from './golden-image.ts'

test('every format has its golden digests', () => {
  for (const format of FORMATS) assert.ok(JSON.parse(readFileSync(goldenFile(format), 'utf8')).gzip.index, `${format}`)
})

test('images of format 1 have the digests that they always had; other digests are another format', async (t) => {
  assert.deepEqual(await buildGolden(t), JSON.parse(readFileSync(goldenFile(1), 'utf8')))
})
