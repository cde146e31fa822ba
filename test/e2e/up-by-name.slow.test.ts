import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type DebSpec, databaseFolder } from '#testkit'
import { freePort, Up } from './up-process.ts'
import { openWorkplace } from './workplace.ts'

const plain: DebSpec = {
  name: 'plain',
  version: '1.0',
  files: { '/usr/share/plain': 'as ever\n', '/usr/share/doc/plain/copyright': 'Licence: as you like it.\n' },
}
const NAME = 'images.example.test'

test('a factory on all addresses signs by the name that others know it by, and who has a token reads under that name', async (t) => {
  const place = await openWorkplace(t, { debs: [plain] })
  place.write(
    'casemate.yaml',
    'image: plain\narchive: test-1\npackages: [plain]\nplatforms: [linux/amd64]\ntags: ["1.0"]\n',
  )
  place.write(
    'policies.yaml',
    'policies: [{ name: signed, expression: "evidence.refusals + evidence.refused", reason: Not shown., remedy: Sign it. }]\n',
  )
  place.write('factory.yaml', `images: [.]\nserver: { url: "https://${NAME}" }\n`)
  const state = databaseFolder(t)
  const port = await freePort()
  const up = new Up(place, state, `0.0.0.0:${port}`, ['--policy', 'policies.yaml'])
  t.after(() => up.end('SIGKILL'))
  const [, token = ''] = await up.printed(/token +(\S+)/)
  assert.match(up.output, new RegExp(`podman pull --tls-verify=false ${NAME}/IMAGE`))
  await up.printed(/plain +done +released as/)
  const auth = Buffer.from(`worker:${token}`).toString('base64')
  place.write('auth.json', JSON.stringify({ auths: { [NAME]: { auth } } }))
  const verify = (route: string) =>
    place.run(['verify', `${NAME}/plain:1.0`, '--key', join(state, 'keys/casemate.pub')], {
      env: { REGISTRY_AUTH_FILE: join(place.folder, 'auth.json'), CASEMATE_REGISTRY_AT: route },
    })
  const verified = await verify(`${NAME}=http://127.0.0.1:${port}`)
  assert.equal(verified.status, 0, verified.stderr)
  const wrong = await verify(`${NAME}=127.0.0.1`)
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /want HOST\[:PORT\]=http:/)
  assert.equal(await up.end('SIGTERM'), 0, up.output)
})
