import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { openWorkplace, type Workplace } from './workplace.ts'

const KILLS = 5

/** Every file that is not what its name, or the record beside it, says it is. */
function wrongFiles(place: Workplace): readonly string[] {
  const read = (path: string) => readFileSync(join(place.folder, path))
  return ['cache', 'out']
    .flatMap((folder) => place.files(folder).map((path) => `${folder}/${path}`))
    .filter((path) => {
      if (path.endsWith('.segment')) {
        return digestOf(read(path.replace(/segment$/, 'stream'))) !== JSON.parse(place.read(path)).digest
      }
      const [, hex] = /\/sha256\/(?:[0-9a-f]{2}\/)?([0-9a-f]{64})$/.exec(path) ?? []
      return hex !== undefined && digestOf(read(path)) !== `sha256:${hex}`
    })
}

/** Members whose index is whole, and whose stream is not what it says. */
function wrongMembers(place: Workplace): readonly string[] {
  return place.files('cache').filter((path) => {
    if (!/\/members\/.*\.json$/.test(path)) return false
    const [sum = '', body = ''] = place.read(`cache/${path}`).split('\n')
    const { digest } = JSON.parse(body)
    const stream = readFileSync(join(place.folder, 'cache', path.replace(/json$/, 'layer')))
    return sum !== digestOf(body) || digest !== digestOf(stream)
  })
}

test(`a build that is killed ${KILLS} times at random leaves nothing wrong, and the next one is as if nothing had been`, async (t) => {
  const place = await openWorkplace(t)
  const start = performance.now()
  const digest = await place.digest()
  const duration = Math.ceil(performance.now() - start)
  for (let round = 1; round <= KILLS; round++) {
    place.remove('cache')
    place.remove('out')
    const killAfter = randomInt(Math.floor(duration / 4), duration)
    await place.run(['build', '.', '-o', 'oci:out:greeting'], { killAfter })
    const when = `killed after ${killAfter} of ${duration} ms`
    assert.deepEqual([...wrongFiles(place), ...wrongMembers(place)], [], when)
    assert.equal(await place.digest(), digest, when)
    assert.deepEqual([...wrongFiles(place), ...wrongMembers(place)], [], when)
  }
})

test('a bit that changes in the cache is never written to an image, and the build after the next one is as before', async (t) => {
  const place = await openWorkplace(t)
  const digest = await place.digest()
  const streams = place.files('cache').filter((path) => /\.(?:layer|stream)$/.test(path))
  const biggest = streams.toSorted((left, right) => sizeOf(place, right) - sizeOf(place, left))
  for (const stream of [biggest.at(0), biggest.at(-1)]) {
    const path = join(place.folder, 'cache', stream ?? '')
    const bytes = readFileSync(path)
    const middle = Math.floor(bytes.length / 2)
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    writeFileSync(path, bytes)
    place.remove('out')
    const run = await place.run(['build', '.', '-o', 'oci:out:greeting'])
    assert.equal(run.status, 3, stream)
    assert.ok(run.stderr.includes(path) && run.stderr.includes('[CACHE_DAMAGED]'), run.stderr)
    assert.equal(await place.digest(), digest)
    assert.deepEqual([...wrongFiles(place), ...wrongMembers(place)], [])
  }
})

const sizeOf = (place: Workplace, path: string) => readFileSync(join(place.folder, 'cache', path)).length
