import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkLogin, findCredentials, removeLogin, storeLogin } from '#oci'
import { type Cleanup, dockerRegistry, run, testFolder } from './fixtures.test.ts'
import { authorityOf, ownRegistry } from './registry/registry-fixtures.test.ts'

const FAST = { policy: { backOff: 10, tries: 2 } } as const
const LOGIN = { username: 'tester', password: 'se:cret' }
const KEPT = { kind: 'password', ...LOGIN }

/** A user with a home and nothing in it. */
function newHome(t: Cleanup) {
  const home = testFolder(t)
  const environment = { HOME: home, PATH: `${home}/bin:${process.env['PATH']}`, XDG_RUNTIME_DIR: join(home, 'run') }
  const write = (path: string, content: object) => {
    mkdirSync(join(home, path, '..'), { recursive: true })
    writeFileSync(join(home, path), JSON.stringify(content))
  }
  const find = (registry: string) => findCredentials({ registry, repository: 'app' }, environment)
  return { home, environment, write, find }
}

function contentOf(...path: string[]) {
  return JSON.parse(readFileSync(join(...path), 'utf8'))
}

test('a registry says whether it takes a login, with Basic and with tokens', async (t) => {
  const basic = await dockerRegistry(t, { locked: true })
  const access = 'repositories:\n  - { match: ["**"], pull: [anonymous], push: ["user:tester"] }'
  const { address } = await ownRegistry(t, { authority: authorityOf(access, ['tester'], { scheme: 'token' }) })
  const login = { username: 'tester', password: 'secret' }
  for (const registry of [basic, address]) {
    await checkLogin(registry, login, FAST)
    await assert.rejects(checkLogin(registry, { ...login, password: 'wrong' }, FAST), { code: 'REGISTRY_REFUSED' })
  }
  await assert.rejects(checkLogin(await dockerRegistry(t), login, FAST), {
    code: 'REGISTRY_REFUSED',
    message: /lets everybody in/,
  })
})

test('a login is kept in the file that Docker, podman and skopeo share, for nobody else to read', async (t) => {
  const { home, environment, write, find } = newHome(t)
  const file = join(home, '.docker/config.json')
  assert.equal(await storeLogin('quay.test', LOGIN, environment), file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(home, '.docker')).mode & 0o777, 0o700 & ~process.umask())
  assert.deepEqual(await find('quay.test'), KEPT)
  assert.equal((await run('env', `HOME=${home}`, 'skopeo', 'login', '--get-login', 'quay.test')).trim(), 'tester')

  write('.docker/config.json', { HttpHeaders: { 'X-Team': 'a' }, auths: { 'other.test': { auth: btoa('a:b') } } })
  chmodSync(file, 0o644)
  await storeLogin('docker.io', LOGIN, environment)
  assert.deepEqual(contentOf(file), {
    HttpHeaders: { 'X-Team': 'a' },
    auths: { 'other.test': { auth: btoa('a:b') }, 'https://index.docker.io/v1/': { auth: btoa('tester:se:cret') } },
  })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(await removeLogin('docker.io', environment), [file])
  assert.deepEqual(Object.keys(contentOf(file).auths), ['other.test'])
  assert.deepEqual(await removeLogin('docker.io', environment), [])
})

test('a login that podman keeps is renewed where it is, and a link to a file stays one', async (t) => {
  const { home, environment, write, find } = newHome(t)
  write('elsewhere/auth.json', { auths: { 'quay.test': { auth: btoa('old:old') } } })
  mkdirSync(join(home, 'run/containers'), { recursive: true })
  symlinkSync(join(home, 'elsewhere/auth.json'), join(home, 'run/containers/auth.json'))
  assert.equal(await storeLogin('quay.test', LOGIN, environment), join(home, 'run/containers/auth.json'))
  assert.deepEqual(await find('quay.test'), KEPT)
  assert.equal(contentOf(home, 'elsewhere/auth.json').auths['quay.test'].auth, btoa('tester:se:cret'))
  assert.ok(!existsSync(join(home, '.docker')))
  const explicit = { ...environment, REGISTRY_AUTH_FILE: join(home, 'ci/auth.json') }
  assert.equal(await storeLogin('ci.test', LOGIN, explicit), join(home, 'ci/auth.json'))
})

test('where a helper keeps credentials it is given the login, and asked to forget it', async (t) => {
  const { home, environment, write, find } = newHome(t)
  mkdirSync(join(home, 'bin'))
  const script = `#!/bin/sh
case $1 in
  store) cat > ${home}/secret ;;
  get) read server; test -e ${home}/secret || { echo "credentials not found in native keychain"; exit 1; }; cat ${home}/secret ;;
  erase) read server; echo "$server" > ${home}/erased; rm ${home}/secret ;;
esac
`
  writeFileSync(join(home, 'bin/docker-credential-chest'), script, { mode: 0o755 })
  write('.docker/config.json', { credsStore: 'chest' })
  assert.equal(await storeLogin('quay.test', LOGIN, environment), 'docker-credential-chest')
  assert.deepEqual(contentOf(home, 'secret'), { ServerURL: 'quay.test', Username: 'tester', Secret: 'se:cret' })
  assert.deepEqual(contentOf(home, '.docker/config.json'), { credsStore: 'chest' }, 'no password in the file')
  assert.deepEqual(await find('quay.test'), KEPT)
  assert.deepEqual(await removeLogin('quay.test', environment), ['docker-credential-chest'])
  assert.equal(readFileSync(join(home, 'erased'), 'utf8').trim(), 'quay.test')
  assert.deepEqual(await removeLogin('quay.test', environment), [])
})

test('a file of credentials that is not as it should be is left alone', async (t) => {
  const { home, environment, write } = newHome(t)
  for (const content of [{ auths: [] }, [], { credsStore: 3 }]) {
    write('.docker/config.json', content)
    await assert.rejects(storeLogin('quay.test', LOGIN, environment), { code: 'CREDENTIALS_FAILED' })
    assert.deepEqual(contentOf(home, '.docker/config.json'), content)
  }
})
