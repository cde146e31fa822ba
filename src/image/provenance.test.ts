import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf, hexOf } from '#core'
import type { TakenSource } from './io/take-in.ts'
import { provenanceOf } from './provenance.ts'

test('what was taken in stands in provenance by its digest, once for all platforms that have the same', () => {
  const [index, own, other] = [digestOf('index'), digestOf('amd64'), digestOf('arm64')]
  const image: Omit<TakenSource, 'manifest'> = {
    at: 'registry.example.org/team/tools:1',
    digest: index,
    kind: 'image',
    from: '/usr/bin/tool',
    path: '/usr/local/bin/tool',
    paths: ['/usr/local/bin/tool'],
  }
  const file: TakenSource = {
    at: 'https://example.org/motd',
    digest: digestOf('motd'),
    kind: 'file',
    from: '',
    path: '/etc/motd',
    paths: ['/etc/motd'],
  }
  const provenance = provenanceOf({
    image: 'app',
    variant: 'runtime',
    codec: 'gzip',
    format: 1,
    platforms: [
      { platform: 'linux/amd64', packages: [], layers: [], taken: [{ ...image, manifest: own }, file] },
      { platform: 'linux/arm64', packages: [], layers: [], taken: [{ ...image, manifest: other }, file] },
    ],
    files: new Map(),
    observed: [],
    program: { version: '1.0', digest: digestOf('program') },
  })
  const tool = (manifest: string) => ({
    name: '/usr/local/bin/tool',
    uri: `pkg:oci/tools@${encodeURIComponent(index)}?repository_url=registry.example.org%2Fteam%2Ftools`,
    digest: { sha256: hexOf(index) },
    annotations: { kind: 'image', from: '/usr/bin/tool', manifest },
  })
  const definition = (provenance as { buildDefinition: { resolvedDependencies: unknown[] } }).buildDefinition
  assert.deepEqual(definition.resolvedDependencies.slice(1), [
    {
      name: '/etc/motd',
      uri: 'https://example.org/motd',
      digest: { sha256: hexOf(file.digest) },
      annotations: { kind: 'file' },
    },
    ...[own, other].sort().map(tool),
  ])
})
