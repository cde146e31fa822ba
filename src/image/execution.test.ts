import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePlatform } from '#oci'
import { parseDefinition } from './definition/parse-definition.ts'
import { resolveDefinition } from './definition/resolve-definition.ts'
import { findUser, formatTime, imageAnnotations, imageConfig } from './execution.ts'

const passwd =
  'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nnonroot:x:65532:65532::/:/x\napp:x:500:600::/:/x\n'

const users: [string, string | undefined, number, number, string][] = [
  ['nonroot', 'nonroot', 65532, 65532, 'a name'],
  ['app', 'app', 500, 600, 'a name whose group has another number'],
  ['33', 'www-data', 33, 33, 'a number that has a name'],
  ['500', 'app', 500, 600, "a number's group is the account's"],
  ['4711', undefined, 4711, 4711, 'a number without account'],
  ['4711:12', undefined, 4711, 12, 'two numbers'],
  ['app:0', 'app', 500, 0, 'a name with another group'],
]
for (const [runAs, name, uid, gid, because] of users) {
  test(`run-as ${runAs} is ${uid}:${gid}: ${because}`, () =>
    assert.deepEqual(findUser(runAs, passwd), { name, uid, gid }))
}

test('a name that the image does not have is refused', () => {
  assert.throws(() => findUser('nginx', passwd), {
    code: 'DEFINITION_INVALID',
    message: 'cannot run as "nginx": the image has no account of that name',
  })
})

const definitionOf = (text: string) => {
  const definition = parseDefinition(text, 'casemate.yaml')
  const effective = resolveDefinition([{ file: 'casemate.yaml', definition, files: new Map() }]).variants.get('runtime')
  if (effective === undefined) throw new Error('no runtime')
  return effective
}

const facts = {
  platform: parsePlatform('linux/arm64'),
  user: { name: 'nonroot', uid: 65532, gid: 65532 },
  epoch: 1_700_000_000,
  version: '1.2',
  layers: [{ name: 'libc6 2.41' }, { name: 'effects' }],
  labels: { 'example.org/contract': 'v1' },
}

test('the config says what the definition says, with users and times as numbers and UTC', () => {
  const config = imageConfig(
    definitionOf(`image: app
title: App
description: An app
environment: { LANG: C.UTF-8 }
entrypoint: [/usr/bin/app]
cmd: [--help]
contract: { work-dir: /app, ports: [8080, 53/udp], volumes: [/data], stop-signal: SIGQUIT }
labels: { team: platform }`),
    facts,
  )
  assert.deepEqual(config, {
    created: '2023-11-14T22:13:20Z',
    platform: facts.platform,
    config: {
      User: '65532:65532',
      Env: ['LANG=C.UTF-8'],
      WorkingDir: '/app',
      StopSignal: 'SIGQUIT',
      Labels: {
        'org.opencontainers.image.created': '2023-11-14T22:13:20Z',
        'org.opencontainers.image.title': 'App',
        'org.opencontainers.image.description': 'An app',
        'org.opencontainers.image.version': '1.2',
        'org.opencontainers.image.base.name': 'scratch',
        team: 'platform',
        'example.org/contract': 'v1',
      },
      Entrypoint: ['/usr/bin/app'],
      Cmd: ['--help'],
      ExposedPorts: ['53/udp', '8080/tcp'],
      Volumes: ['/data'],
    },
    history: [
      { created: '2023-11-14T22:13:20Z', created_by: 'casemate: libc6 2.41' },
      { created: '2023-11-14T22:13:20Z', created_by: 'casemate: effects' },
    ],
  })
})

test('what a definition does not say is not in the config', () => {
  const { config } = imageConfig(definitionOf('image: app'), { ...facts, labels: {} })
  for (const key of ['Entrypoint', 'Cmd', 'ExposedPorts', 'Volumes']) assert.ok(!Object.hasOwn(config, key), key)
})

test("the definition's own annotations win, and empty values are left out", () => {
  const definition = definitionOf('image: app\nannotations: { org.opencontainers.image.version: "9", a: b }')
  const annotations = imageAnnotations(definition, { epoch: 0, version: '1' })
  assert.equal(annotations['org.opencontainers.image.version'], '9')
  assert.equal(annotations['a'], 'b')
  assert.ok(!('org.opencontainers.image.vendor' in annotations))
})

test('times are RFC 3339 in UTC, to the second', () => assert.equal(formatTime(0), '1970-01-01T00:00:00Z'))
