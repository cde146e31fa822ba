import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Contract,
  contractDifferences,
  contractLabel,
  contractLabels,
  declaredContract,
  effectiveContract,
  formatContract,
  parseContract,
} from './contract.ts'
import { parseImageConfig } from './image-config.ts'

const contract: Contract = {
  schema: 'casemate.contract/v1',
  user: { name: 'nonroot', uid: 65532, gid: 65532 },
  entrypoint: ['/usr/sbin/nginx'],
  cmd: ['-g', 'daemon off;'],
  ports: ['8080/tcp', '443/tcp'],
  writable: ['/var/cache/nginx', '/tmp'],
  'stop-signal': 'SIGQUIT',
  environment: { LANG: 'C.UTF-8' },
  'work-dir': '/',
}

test('a contract is written canonically, sets in order, and reads back', () => {
  const text = formatContract(contract)
  assert.equal(formatContract(parseContract(text)), text)
  assert.match(text, /"ports":\["443\/tcp","8080\/tcp"\]/)
  assert.match(text, /"writable":\["\/tmp","\/var\/cache\/nginx"\]/)
  assert.deepEqual(contractDifferences(contract, parseContract(text)), [])
})

test('its labels hold the whole of it and plain parts, and an image config gives it back', () => {
  const Labels = contractLabels(contract)
  assert.deepEqual(Object.entries(Labels).slice(1), [
    ['dev.casemate.contract.ports', '443/tcp,8080/tcp'],
    ['dev.casemate.contract.user', '65532:65532'],
    ['dev.casemate.contract.writable', '/tmp,/var/cache/nginx'],
  ])
  const image = parseImageConfig({ os: 'linux', architecture: 'amd64', config: { Labels } })
  assert.equal(formatContract(declaredContract(image) ?? contract), Labels[contractLabel])
})

test('what the config says wins over a label that was inherited', () => {
  const config = { Labels: contractLabels(contract), Entrypoint: ['/app'], StopSignal: 'INT', Volumes: { '/data': {} } }
  const image = parseImageConfig({
    os: 'linux',
    architecture: 'amd64',
    config: { ...config, ExposedPorts: { '80': {} } },
  })
  const effective = effectiveContract(image, contract.user)
  assert.deepEqual([effective.entrypoint, effective['stop-signal'], effective.ports], [['/app'], 'SIGINT', ['80/tcp']])
  assert.deepEqual(effective.writable, ['/data', '/tmp', '/var/cache/nginx'])
  const keys = ['cmd', 'entrypoint', 'environment', 'ports', 'stop-signal', 'writable']
  assert.deepEqual(contractDifferences(contract, effective), keys)
})

test('a config with null lists, as Go writes them, is an empty contract', () => {
  const nothing = { Env: null, Entrypoint: null, Cmd: null, Volumes: null, ExposedPorts: null, Labels: null }
  const image = parseImageConfig({ os: 'linux', architecture: 'amd64', config: nothing })
  assert.deepEqual(effectiveContract(image, { uid: 0, gid: 0 }).entrypoint, [])
})

const broken: [string, string][] = [
  ['{', 'no JSON'],
  [JSON.stringify({ ...contract, schema: 'casemate.contract/v2' }), 'a version that is not ours'],
  [JSON.stringify({ ...contract, extra: 1 }), 'an unknown key'],
  [JSON.stringify({ ...contract, writable: ['tmp'] }), 'a relative path'],
  [JSON.stringify({ ...contract, ports: ['http'] }), 'a port by name'],
]
for (const [text, because] of broken) {
  test(`a contract with ${because} is refused`, () => {
    assert.throws(() => parseContract(text), { code: 'CONTRACT_INVALID' })
  })
}

test('an image config without an architecture, or with an odd environment, is refused', () => {
  assert.throws(() => parseImageConfig({ os: 'linux' }), { code: 'IMAGE_CONFIG_INVALID' })
  const image = parseImageConfig({ os: 'linux', architecture: 'amd64', config: { Env: ['NOTHING'] } })
  assert.throws(() => effectiveContract(image, { uid: 0, gid: 0 }), { code: 'IMAGE_CONFIG_INVALID' })
})
