import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { formatConfig, type ImageConfig, parseConfig } from './config.ts'

const config: ImageConfig = {
  created: '2026-01-02T03:04:05Z',
  author: 'somebody',
  platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  config: {
    User: '65532:65532',
    ExposedPorts: ['443/tcp', '80/tcp'],
    Env: ['B=1', 'A=2'],
    Entrypoint: ['/bin/x'],
    Cmd: ['--help'],
    Volumes: ['/data'],
    WorkingDir: '/app',
    Labels: { a: 'b' },
    StopSignal: 'SIGTERM',
  },
  diffIds: [digestOf('layer')],
  history: [{ created_by: 'casemate', empty_layer: true }],
}

test('a config comes back as it was written', () => {
  assert.deepEqual(parseConfig(formatConfig(config)), config)
})

test('a config is written as the specification spells it', () => {
  const written = JSON.parse(new TextDecoder().decode(formatConfig(config)))
  assert.deepEqual(written.config.ExposedPorts, { '443/tcp': {}, '80/tcp': {} })
  assert.deepEqual(written.rootfs, { type: 'layers', diff_ids: [digestOf('layer')] })
  assert.deepEqual([written.os, written.architecture, written.variant], ['linux', 'arm64', 'v8'])
  assert.deepEqual(written.config.Env, ['B=1', 'A=2'])
})

test('a config as Docker writes it, with nulls and members of its own, is read', () => {
  const docker = {
    architecture: 'amd64',
    os: 'linux',
    docker_version: '28',
    config: { Hostname: '', Entrypoint: null, Cmd: ['sh'], Volumes: null, Labels: null, OnBuild: [] },
    rootfs: { type: 'layers', diff_ids: [] },
    history: [{ created_by: 'x' }],
  }
  const read = parseConfig(new TextEncoder().encode(JSON.stringify(docker)))
  assert.deepEqual(read.config, { Cmd: ['sh'] })
  assert.deepEqual(read.history, [{ created_by: 'x' }])
})

test('a config without platform or with another rootfs is refused', () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  const rootfs = { type: 'layers', diff_ids: [] }
  assert.throws(() => parseConfig(bytes({ os: 'linux', rootfs })), { code: 'DOCUMENT_INVALID' })
  assert.throws(() => parseConfig(bytes({ os: 'linux', architecture: 'amd64', rootfs: { ...rootfs, type: 'vm' } })), {
    code: 'DOCUMENT_INVALID',
  })
})
