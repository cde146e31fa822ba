import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { dockerRegistry } from '#testkit'
import { openWorkplace } from './workplace.ts'

const PASSWORD = { COSIGN_PASSWORD: 'secret' }
const STATEMENTS = ['provenance', 'recipe', 'spdx', 'cyclonedx', 'licences']

test('an image that was built and signed goes through a folder into a closed network, and is verified there', async (t) => {
  const place = await openWorkplace(t)
  const [open, closed] = [await dockerRegistry(t), await dockerRegistry(t)]
  assert.equal((await place.run(['keygen'], { env: PASSWORD })).status, 0)
  const source = `docker://${open}/team/greeting:1`
  const { digest } = await place.build(['-o', source, '--key', 'casemate.key'], { env: PASSWORD })

  const carried = await place.run(['copy', source, 'oci:carry', '--json'])
  assert.equal(carried.status, 0, carried.stderr)
  const report = JSON.parse(carried.stdout)
  assert.equal(report.digest, digest)
  assert.ok(report.statements.tagged >= 7 && report.statements.bundled === report.statements.tagged, carried.stdout)

  const target = `docker://${closed}/mirror/greeting:1`
  const brought = await place.run(['copy', 'oci:carry', target, '--json'])
  assert.equal(brought.status, 0, brought.stderr)
  assert.deepEqual(JSON.parse(brought.stdout).statements, report.statements)
  const trust = ['--key', 'casemate.pub', '--signed-as', `${open}/team/greeting`]
  const verified = await place.run(['verify', target, ...trust, '--require', ...STATEMENTS])
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)

  const stripped = `docker://${closed}/stripped/greeting:1`
  const plain = ['copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', source, stripped]
  await promisify(execFile)('skopeo', plain)
  const refused = await place.run(['verify', stripped, ...trust])
  assert.equal(refused.status, 1)
  assert.match(refused.stdout, /casemate copy/, 'who lost the evidence is told how to keep it')
})
