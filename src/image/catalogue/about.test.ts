import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAbout } from './about.ts'

test('an about file is read whole', () => {
  const about = parseAbout(
    `category: databases
official: docker.io/library/redis
run: |
  podman run --rm $IMAGE
health: redis-cli ping
differences: [{ what: runs as 65532, why: one uid over all images }]
exceptions: [{ rule: the signal, fault: "^SIGQUIT$", why: it finishes what it answers }]
`,
    'about.yaml',
  )
  assert.deepEqual(about, {
    category: 'databases',
    official: 'docker.io/library/redis',
    run: 'podman run --rm $IMAGE\n',
    multiStage: undefined,
    health: 'redis-cli ping',
    healthNote: undefined,
    differences: [{ what: 'runs as 65532', why: 'one uid over all images' }],
    exceptions: [{ rule: 'the signal', fault: '^SIGQUIT$', why: 'it finishes what it answers' }],
  })
})

const faulty: readonly [text: string, message: RegExp][] = [
  ['category: toys\nrun: x', /about\.yaml:1:11: category: found "toys", want one of bases, languages/],
  ['category: tools\nrun: x\ndiferences: []', /3:1: unknown key `diferences`: did you mean `differences`\?/],
  ['category: tools', /`run` is missing/],
  ['category: tools\nrun: x\ndifferences: [{ what: a }]', /differences\[0\]: `why` is missing/],
  ['category: [', /cannot read about file/],
]
for (const [text, message] of faulty) {
  test(`refused with its place: ${message.source}`, () => {
    assert.throws(() => parseAbout(text, 'about.yaml'), { code: 'DEFINITION_INVALID', message })
  })
}
