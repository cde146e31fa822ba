import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonMembers, mergeSettings } from './merge-settings.ts'

type Row = readonly [because: string, old: JsonMembers, application: JsonMembers, next: JsonMembers, want: JsonMembers]

const rows: readonly Row[] = [
  [
    'variables of the base come first, in its order, and the application’s after them',
    { Env: ['PATH=/bin', 'LANG=C'] },
    { Env: ['PATH=/bin', 'LANG=de', 'APP=1', 'B=2'] },
    { Env: ['NEW=1', 'PATH=/sbin:/bin', 'LANG=C'] },
    { Env: ['NEW=1', 'PATH=/sbin:/bin', 'LANG=de', 'APP=1', 'B=2'] },
  ],
  ['a variable that the base no longer has is gone', { Env: ['A=1'] }, { Env: ['A=1', 'B=1'] }, {}, { Env: ['B=1'] }],
  [
    'the new base’s entrypoint is taken where the application has none of its own',
    { Entrypoint: ['a'] },
    { Entrypoint: ['a'], Cmd: ['x'] },
    { Entrypoint: ['b'] },
    { Entrypoint: ['b'], Cmd: ['x'] },
  ],
  [
    'who sets an entrypoint has dropped the base’s command, the new one as well',
    { Entrypoint: ['a'], Cmd: ['x'] },
    { Entrypoint: ['own'] },
    { Entrypoint: ['a'], Cmd: ['y'] },
    { Entrypoint: ['own'] },
  ],
  [
    'ports and volumes add up',
    { ExposedPorts: { '80/tcp': {} } },
    { ExposedPorts: { '80/tcp': {}, '81/tcp': {} }, Volumes: { '/v': {} } },
    { ExposedPorts: { '8080/tcp': {} } },
    { ExposedPorts: { '8080/tcp': {}, '81/tcp': {} }, Volumes: { '/v': {} } },
  ],
  [
    'labels are merged one by one',
    { Labels: { a: '1', v: '1' } },
    { Labels: { a: '2', v: '1', own: 'x' } },
    { Labels: { a: '1', v: '2' } },
    { Labels: { a: '2', v: '2', own: 'x' } },
  ],
  [
    'what image-spec does not have is not lost',
    {},
    { Healthcheck: { Test: ['CMD', 'x'] }, Shell: ['/bin/bash'] },
    { StopSignal: 'SIGINT' },
    { Healthcheck: { Test: ['CMD', 'x'] }, Shell: ['/bin/bash'], StopSignal: 'SIGINT' },
  ],
  ['null, an empty list and nothing are one', { Cmd: null, Labels: {} }, { Cmd: [] }, {}, {}],
  ['what builders write of their container is theirs', { Image: 'a' }, { Image: 'b' }, { Image: 'c' }, { Image: 'b' }],
]

for (const [because, old, application, next, want] of rows) {
  test(`settings: ${because}`, () => {
    const { value, refusals } = mergeSettings({ old, application, next })
    const kept = Object.fromEntries(
      Object.entries(value).filter(([, each]) => !(Array.isArray(each) && each.length === 0)),
    )
    assert.deepEqual([kept, refusals], [want, []])
  })
}

const SCALARS = ['User', 'WorkingDir', 'StopSignal', 'Cmd', 'Healthcheck']
for (const key of SCALARS) {
  test(`settings: ${key} changed on both sides is refused with both values, and to the same it is not`, () => {
    const ways = { old: { [key]: 'a' }, application: { [key]: 'b' }, next: { [key]: 'c' } }
    const [refusal, ...others] = mergeSettings(ways).refusals
    assert.deepEqual(
      [refusal?.code, refusal?.subject, refusal?.application, refusal?.base],
      ['setting-both-sides', key, '"b"', '"a" → "c"'],
    )
    assert.equal(others.length, 0)
    assert.deepEqual(mergeSettings({ ...ways, next: { [key]: 'b' } }), { value: { [key]: 'b' }, refusals: [] })
  })
}
