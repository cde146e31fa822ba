import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { imagesNamedIn, parseNamedImage, runningContainers, seenMarks } from './inventory.ts'

const digest = digestOf('image')
const references: [string, ReturnType<typeof parseNamedImage>][] = [
  ['nginx', { repository: 'nginx' }],
  ['nginx:1.27', { repository: 'nginx', tag: '1.27' }],
  ['registry.example.org:5000/a/b', { repository: 'registry.example.org:5000/a/b' }],
  ['registry.example.org:5000/a/b:1', { repository: 'registry.example.org:5000/a/b', tag: '1' }],
  [`a/b@${digest}`, { repository: 'a/b', digest }],
  [`a/b:1@${digest}`, { repository: 'a/b', tag: '1', digest }],
  [`docker-pullable://a/b@${digest}`, { repository: 'a/b', digest }],
  ['{{ .Values.image }}', undefined],
  ['${IMAGE}', undefined],
  ['a b', undefined],
  ['a@sha256:123', undefined],
  ['', undefined],
]
for (const [text, wanted] of references) {
  test(`${JSON.stringify(text)} ${wanted === undefined ? 'names no image' : `names ${JSON.stringify(wanted)}`}`, () =>
    assert.deepEqual(parseNamedImage(text), wanted))
}

const documents: [string, object, readonly string[]][] = [
  ['a pod', { spec: { containers: [{ image: 'a:1' }], initContainers: [{ image: 'b:2' }] } }, ['a:1', 'b:2']],
  [
    'a job that is made by a clock',
    { spec: { jobTemplate: { spec: { template: { spec: { containers: [{ image: 'a:1' }] } } } } } },
    ['a:1'],
  ],
  [
    'values of a chart',
    { web: { image: { registry: 'r.example.org', repository: 'x/y', tag: 1.5 } } },
    ['r.example.org/x/y:1.5'],
  ],
  ['values with a digest', { image: { repository: 'x/y', digest } }, [`x/y@${digest}`]],
  ['a kustomization', { images: [{ name: 'a', newName: 'b', newTag: '2' }, { name: 'c' }] }, ['b:2', 'c']],
  ['a composition', { services: { web: { image: `a@${digest}` }, built: { build: '.' } } }, [`a@${digest}`]],
  ['nothing', { image: { pullPolicy: 'Always' }, kind: 'ConfigMap', data: { image: 7 } }, []],
]
for (const [name, document, wanted] of documents) {
  test(`the images of ${name} are found`, () => {
    const found = imagesNamedIn(document).map(
      (image) => `${image.repository}${image.tag ? `:${image.tag}` : ''}${image.digest ? `@${image.digest}` : ''}`,
    )
    assert.deepEqual(found.sort(), wanted.toSorted())
  })
}

test('only containers that run are running, by the digest that the node pulled', () => {
  const running = { running: { startedAt: '2026-11-22T12:00:00Z' } }
  const pod = {
    metadata: { namespace: 'shop', name: 'web-1' },
    status: {
      containerStatuses: [
        { name: 'web', image: 'a:1', imageID: `docker-pullable://a@${digest}`, state: running },
        { name: 'crashing', image: 'b:1', imageID: `b@${digest}`, state: { waiting: { reason: 'CrashLoopBackOff' } } },
      ],
      initContainerStatuses: [{ name: 'init', image: 'c:1', imageID: `c@${digest}`, state: { terminated: {} } }],
      ephemeralContainerStatuses: [{ name: 'debug', image: 'd:1', imageID: '', state: running }],
    },
  }
  assert.deepEqual(runningContainers({ kind: 'PodList', items: [pod] }), [
    { place: 'shop/web-1/web', image: { repository: 'a', digest } },
    { place: 'shop/web-1/debug', image: { repository: 'd', tag: '1' } },
  ])
  assert.equal(runningContainers({ kind: 'Pod', ...pod }), undefined)
  assert.equal(runningContainers([]), undefined)
  assert.deepEqual(runningContainers({ kind: 'List', items: [null, 'x', { status: { containerStatuses: 'x' } }] }), [])
})

const monday = '2026-11-16T12:00:00.000Z'
const tuesday = '2026-11-17T12:00:00.000Z'
const now = '2026-11-22T12:00:00.000Z'
const published = (finding: string, at: string) => ({ finding, image: 'app', mark: 'published', at }) as const
const marks = [published('one', monday), published('two', tuesday)]
const findings = (kind: 'pulled' | 'running', ...releases: readonly string[]) =>
  seenMarks(
    kind,
    releases.map((released) => ({ image: 'app', released })),
    marks,
    now,
  ).map(({ finding }) => finding)

test('what a release patched is running when it runs, or a later one does, and nothing older beside it', () => {
  assert.deepEqual(findings('running', monday), ['one'])
  assert.deepEqual(findings('running', tuesday), ['one', 'two'])
  assert.deepEqual(findings('running', tuesday, monday), ['one'])
  assert.deepEqual(findings('running', '2026-11-01T00:00:00.000Z'), [])
  assert.deepEqual(findings('running'), [])
})

test('what a release patched is pulled when somebody pulls it, whoever still pulls an older one', () => {
  assert.deepEqual(findings('pulled', tuesday, monday), ['one', 'two'])
})

test('a mark that was come to is not come to again', () => {
  const come = { finding: 'one', image: 'app', mark: 'running', at: tuesday } as const
  const again = seenMarks('running', [{ image: 'app', released: tuesday }], [...marks, come], now)
  assert.deepEqual(again, [{ finding: 'two', image: 'app', mark: 'running', at: now }])
})
