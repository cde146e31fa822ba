import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DebianError } from '#debian'
import { OciError } from '#oci'
import { UsageError } from '../errors.ts'
import { canPass } from './open-factory.ts'
import { homeOf } from './tools.ts'

const system = (code: string) => Object.assign(new Error(code), { code })

const rows: [unknown, boolean, string][] = [
  [new OciError('REGISTRY_UNREACHABLE', 'x'), true, 'a registry that is down comes up again'],
  [new OciError('REGISTRY_FAILED', 'x'), true, 'a registry without space gets some'],
  [system('ENOSPC'), true, 'a disk that is full is made room on'],
  [new DebianError('FETCH_FAILED', 'x'), true, 'a mirror answers later'],
  [
    new DebianError('SUITE_ROLLED_BACK', 'x'),
    false,
    'an archive that went back is not believed because it is asked again',
  ],
  [new DebianError('SUITE_UNTRUSTED', 'x'), false, 'a signature does not become right'],
  [new DebianError('FETCH_MISMATCH', 'x'), false, 'a file that is another one stays one'],
  [new OciError('REGISTRY_REFUSED', 'x'), false, 'a right has to be given by somebody'],
  [new UsageError('USAGE_INVALID', 'x'), false, 'a person has to change something'],
  [new TypeError('x'), false, 'a fault of our own is one each time'],
]
for (const [error, wanted, because] of rows) {
  test(`${because}: it is ${wanted ? '' : 'not '}tried again`, () => assert.equal(canPass(error), wanted))
}

const homes: [string, string | undefined][] = [
  ['docker://localhost:5000', 'localhost:5000'],
  ['registry.example.org/hardened/', 'registry.example.org/hardened'],
  ['docker://registry.example.org/a/b', 'registry.example.org/a/b'],
  ['oci:./out', undefined],
  ['docker://registry.example.org/a@sha256:0', undefined],
  ['docker://', undefined],
]
for (const [text, wanted] of homes) {
  test(`a factory ${wanted === undefined ? 'does not publish' : 'publishes'} to ${text}`, () => {
    if (wanted === undefined) assert.throws(() => homeOf(text), { code: 'USAGE_INVALID' })
    else assert.equal(homeOf(text), wanted)
  })
}
