import type { Shape } from '#core'
import {
  type EstablishedFacts,
  type FactRecord,
  type Facts,
  fieldsOf,
  GROUP_NAMES,
  GROUPS,
  type GroupName,
  isRecordName,
  itemType,
  type RecordName,
} from './fact-shapes.ts'

/** One of each record, as it is in a sound image: what a policy's test does not say is so. */
const SAMPLES: { readonly [Name in RecordName]: FactRecord<Name> } = {
  Image: {
    ...{ reference: 'registry.example.org/team/app:1.0', name: 'app', platform: 'linux/amd64', variant: 'runtime' },
    digest: `sha256:${'0'.repeat(64)}`,
    ...{ for_building: false, has_definition: true, distribution: 'debian', codename: 'trixie' },
  },
  Config: {
    ...{ user: '65532:65532', uid: 65532, gid: 65532, entrypoint: ['/usr/bin/app'], cmd: [] },
    ...{ env: {}, labels: {}, ports: [], volumes: [], stop_signal: 'SIGTERM', work_dir: '/home/nonroot' },
  },
  Contract: { declared: true, broken: [], writable: ['/tmp'] },
  Previous: { asked: true, changes: [], raised: false },
  Base: { asked: true, name: 'registry.example.org/base/python:3.13', digest: '', by: 'annotation', refusals: [] },
  File: { path: '/usr/bin/file', mode: '0755', package: 'file', declared: false },
  Files: { setuid: [], world_writable: [], shells: [], package_managers: [], undeclared: [] },
  Secret: {
    ...{ kind: 'github-pat', path: '/app/.env', line: 3, layer: 2, shown: 'ghp_… (40 characters)', package: '' },
    ...{ published: false, hidden: false },
  },
  Secrets: { found: [], packed: [] },
  Package: { name: 'libc6', version: '2.41-12', architecture: 'amd64', source: 'glibc' },
  Application: { ecosystem: 'npm', name: 'left-pad', version: '1.0.0', purl: 'pkg:npm/left-pad@1.0.0', path: '/srv/a' },
  Licence: {
    package: 'libc6',
    expression: 'LGPL-2.1-or-later',
    ids: ['LGPL-2.1-or-later'],
    unclassified: [],
    kind: 'debian',
  },
  Finding: {
    ...{ id: 'CVE-2026-0001', package: 'openssl', version: '3.5.1-1', status: 'open', severity: 'medium' },
    ...{ fixed_in: '', suppressed: false },
  },
  Evidence: {
    asked: true,
    refusals: [],
    statements: ['provenance', 'recipe', 'spdx', 'cyclonedx', 'licences', 'vex', 'vuln', 'test'],
    refused: [],
  },
  Tests: { passed: true, failed: [], count: 1 },
}

const SOUND: Facts = {
  image: SAMPLES.Image,
  config: SAMPLES.Config,
  contract: SAMPLES.Contract,
  previous: SAMPLES.Previous,
  base: SAMPLES.Base,
  files: SAMPLES.Files,
  secrets: SAMPLES.Secrets,
  packages: [SAMPLES.Package],
  applications: [],
  licences: [SAMPLES.Licence],
  fixable: [],
  unfixed: [],
  exploited_fixable: [],
  exploited_unfixed: [],
  evidence: SAMPLES.Evidence,
  tests: SAMPLES.Tests,
}

/** The shape of a test's facts: any part of the facts, with keys that are known. */
export const testFactsShape: Shape = {
  type: 'object',
  title: 'facts by group',
  additionalProperties: false,
  properties: Object.fromEntries(GROUP_NAMES.map((name) => [name, shapeOf(GROUPS[name].type)])),
}

/** The facts of a sound image with some of them replaced: maps are merged, lists replaced, items completed by a sound one. */
export function sampleFacts(
  given: Readonly<Record<string, unknown>>,
  unknown: readonly GroupName[] = [],
): EstablishedFacts {
  const changed = Object.fromEntries(
    GROUP_NAMES.map((name) => [
      name,
      unknown.includes(name)
        ? { known: false, reason: 'the test says that it is unknown' }
        : { known: true, value: completed(GROUPS[name].type, given[name], SOUND[name]) },
    ]),
  )
  if (!isEstablished(changed)) throw new TypeError('cannot make sample facts: a group is missing')
  return changed
}

function completed(type: string, given: unknown, sound: unknown): unknown {
  if (given === undefined) return sound
  const item = itemType(type)
  if (item !== undefined && isRecordName(item) && Array.isArray(given)) {
    return given.map((each) => completed(item, each, SAMPLES[item]))
  }
  if (!isRecordName(type)) return given
  const [own, base] = [new Map(Object.entries(given ?? {})), new Map(Object.entries(sound ?? {}))]
  const members = fieldsOf(type).map(([key, field]) => [key, completed(field.type, own.get(key), base.get(key))])
  return Object.fromEntries(members)
}

function shapeOf(type: string): Shape {
  const item = itemType(type)
  if (item !== undefined) return { type: 'array', items: shapeOf(item) }
  if (type === 'int') return { type: 'integer' }
  if (type === 'bool') return { type: 'boolean' }
  if (type === 'map<string, string>') return { type: 'object', additionalProperties: { type: 'string' } }
  if (!isRecordName(type)) return { type: 'string' }
  const properties = Object.fromEntries(fieldsOf(type).map(([key, field]) => [key, shapeOf(field.type)]))
  return { type: 'object', additionalProperties: false, properties }
}

/** The shape that the given facts were checked by is made of the same table as the type. */
function isEstablished(facts: Readonly<Record<string, unknown>>): facts is EstablishedFacts {
  return GROUP_NAMES.every((name) => Object.hasOwn(facts, name))
}
