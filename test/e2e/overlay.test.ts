import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorkplace, type Summary, type Workplace } from './workplace.ts'

/** An overlay on the workplace's definition, in a folder of its own. */
const OVERLAY = `image: shouting
from: ../
packages: [shout]
paths:
  - { path: /etc/shout.conf, content: "loud\\n" }
owner: team-a
`

async function buildOverlay(place: Workplace, ...args: readonly string[]): Promise<Summary> {
  const run = await place.run(['build', './over', '--json', '-o', 'oci:out:shouting', ...args])
  assert.equal(run.status, 0, run.stderr + run.stdout)
  return JSON.parse(run.stdout)
}

const layersOf = (summary: Summary) => (summary.platforms[0]?.layers ?? []).map(({ digest }) => digest)

test('an overlay that adds a package and a file has every layer of its base, and two above', async (t) => {
  const place = await openWorkplace(t)
  const base = layersOf(await place.build())
  place.write('over/casemate.yaml', OVERLAY)
  const over = await buildOverlay(place)
  assert.deepEqual(layersOf(over).slice(0, base.length), base)
  assert.equal(layersOf(over).length, base.length + 2)
  assert.equal((await place.run(['lock', './over'])).status, 0)
  assert.equal((await buildOverlay(place)).digest, over.digest)
})
