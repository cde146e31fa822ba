import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { parseAllowList } from '#bases'
import { readSecretKinds, SecretSearch } from '#secrets'
import { applyFixes, lintDockerfile } from './lint.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const BASE = `registry.example.org/base/python:3.13@${DIGEST}`
const TOKEN = `ghp_${createHash('sha256').update('token').digest('hex').slice(0, 36)}`
const context = {
  file: 'Dockerfile',
  allow: parseAllowList('bases:\n  - { image: "registry.example.org/base/*", reason: ours }\n', 'allow.yaml'),
  secrets: new SecretSearch(readSecretKinds().kinds),
  today: '2026-11-21',
  digests: new Map([['registry.example.org/base/node:24', DIGEST]]),
}

const found = (text: string, args?: Record<string, string>) =>
  lintDockerfile(text, context, new Map(Object.entries(args ?? {})))
    .filter(({ ignored }) => ignored === undefined)
    .map(({ line, rule }) => `${line} ${rule}`)

const rows: [string, string[], string][] = [
  [`FROM ${BASE}\nCOPY app /app\nENTRYPOINT ["/app"]\n`, [], 'all is as it should be'],
  [
    `# syntax=docker/dockerfile:1\nFROM ${BASE} AS build\nRUN apt-get install -y x\nFROM ${BASE}\nCOPY --from=build /x /x`,
    [],
    'what builds may install',
  ],
  [`FROM ${BASE} AS Build\nFROM build\n`, [], 'a stage is no image, in any case'],
  [`FROM ${BASE} AS b\nFROM ${BASE}\nCOPY --from=0 /a /b\n`, [], 'nor is its place'],
  [`FROM scratch\nUSER 65532\nCOPY app /app`, [], 'nothing is an allowed base'],
  [`ARG BASE=${BASE}\nFROM $BASE\n`, [], 'a variable has its default'],
  [
    `ARG TAG=3.13\nFROM registry.example.org/base/\${NAME:-python}:\${TAG}@${DIGEST}\n`,
    [],
    'or what stands in its braces',
  ],
  ['ARG BASE\nFROM ${BASE}\n', ['2 base-known'], 'without a value nobody knows it'],
  [`FROM debian:13@${DIGEST}\n`, ['1 base-allowed'], 'another registry'],
  [
    `FROM ${BASE} AS a\nFROM docker.io/x/y@${DIGEST} AS b\nFROM a\n`,
    ['2 base-allowed'],
    'every stage counts, also one that nothing uses',
  ],
  [`FROM --platform=$BUILDPLATFORM ${BASE}\n`, [], 'the platform is no image'],
  [`FROM ${BASE}\nCOPY --from=docker.io/x/y@${DIGEST} /a /b\n`, ['2 base-allowed'], 'files come from images, too'],
  [`FROM ${BASE}\nCOPY --link --from=docker.io/x/y@${DIGEST} /a /b\n`, ['2 base-allowed'], 'behind another flag'],
  [
    `FROM ${BASE} AS b\nRUN --mount=type=bind,from=docker.io/x/y@${DIGEST},target=/x true\n`,
    ['2 base-allowed'],
    'and mounts',
  ],
  [
    `FROM ${BASE}\nRUN --mount=type=cache,target=/x --mount=type=bind,from=alpine,target=/y \\\n  true\n`,
    ['2 base-allowed', '2 base-pinned'],
    'the second of two',
  ],
  [`FROM ${BASE}\nCOPY --from=$X /a /b\n`, ['2 base-known'], 'no builder puts variables there'],
  ['FROM registry.example.org/base/python:3.13\n', ['1 base-pinned'], 'a tag alone'],
  ['FROM registry.example.org/base/python:3.13-dev\n', ['1 base-pinned', '1 final-not-dev'], 'a builder at the end'],
  [`FROM registry.example.org/base/python:dev@${DIGEST} AS x\nFROM x\n`, ['1 final-not-dev'], 'also by a stage'],
  [`FROM ${BASE}\nUSER 65532\nUSER root\n`, ['3 final-not-root'], 'the last user counts'],
  [`FROM ${BASE} AS a\nUSER root\nFROM ${BASE}\nUSER 0:0\n`, ['4 final-not-root'], 'of the last stage'],
  ['FROM scratch\nCOPY a /a\n', ['1 final-not-root'], 'nobody is root'],
  [`FROM ${BASE}\nRUN pip install --no-cache-dir x\n`, ['2 final-no-install'], 'pip'],
  [`FROM ${BASE}\nRUN apt-get update && \\\n  apt-get -y install x\n`, ['2 final-no-install'], 'a line further on'],
  [`FROM ${BASE}\nENTRYPOINT /app --serve\n`, ['2 final-exec-form'], 'a shell starts it'],
  [`FROM ${BASE}\nENV GREETING=hello\nARG GITHUB=${TOKEN}\n`, ['3 no-secret'], 'a token'],
  [
    `FROM ${BASE}\nARG NPM_TOKEN\nENV DB_PASSWORD=x SECRET_FILE=/x\n`,
    ['2 no-secret-variable', '3 no-secret-variable'],
    'by their names',
  ],
  [`FROM ${BASE}\nADD https://example.org/x.tar.gz /x\n`, ['2 add-verified'], 'from a server'],
  [`FROM ${BASE}\nADD --checksum=sha256:1 https://example.org/x.tar.gz /x\n`, [], 'with its sum'],
  [
    `FROM ${BASE} AS b\nRUN curl -fsSL https://example.org/i.sh | sh -\nFROM ${BASE}\n`,
    ['2 no-piped-script'],
    'in any stage',
  ],
  [`FROM ${BASE}\nADD app /app\nADD app.tar.gz /app\n`, ['2 copy-not-add'], 'what is no archive'],
]
for (const [text, want, because] of rows) {
  test(`${JSON.stringify(text.slice(0, 60))} breaks ${want.join(', ') || 'no rule'}: ${because}`, () => {
    assert.deepEqual(found(text), want)
  })
}

test('what a build is given by --build-arg goes before the default', () => {
  const text = `ARG BASE=debian\nFROM $BASE\n`
  assert.deepEqual(found(text, { BASE }), [])
  assert.deepEqual(found(text), ['2 base-allowed', '2 base-pinned'])
})

test('a rule is ignored for one instruction and with a reason, or the comment is a finding', () => {
  const lines = (comment: string) => `FROM ${BASE}\n${comment}\nUSER root\nADD a /a\n`
  assert.deepEqual(found(lines('# casemate ignore=final-not-root binds port 80 until the rewrite')), ['4 copy-not-add'])
  assert.deepEqual(found(lines('# casemate ignore=final-not-root')), [
    '2 ignore-reasoned',
    '3 final-not-root',
    '4 copy-not-add',
  ])
  assert.deepEqual(found(lines('# casemate ignore=no-rot why')), [
    '2 ignore-reasoned',
    '3 final-not-root',
    '4 copy-not-add',
  ])
})

test('what is certain is fixed, and what is fixed breaks the rule no more', () => {
  const text = 'FROM registry.example.org/base/node:24\nADD app /app\nUSER root\nENTRYPOINT /usr/bin/node /app/x.js\n'
  const fixed = applyFixes(text, lintDockerfile(text, context))
  assert.equal(
    fixed,
    `FROM registry.example.org/base/node:24@${DIGEST}\nCOPY app /app\nUSER 65532:65532\nENTRYPOINT ["/usr/bin/node", "/app/x.js"]\n`,
  )
  assert.deepEqual(found(fixed), [])
  const scratch = 'FROM scratch\nCOPY a /a'
  assert.deepEqual(found(applyFixes(scratch, lintDockerfile(scratch, context))), [])
  const shell = `FROM ${BASE}\nENTRYPOINT exec $APP\n`
  assert.equal(applyFixes(shell, lintDockerfile(shell, context)), shell, 'what a shell would read is left to people')
})

test('what is no Dockerfile, or longer than any, is refused', () => {
  for (const text of ['', '# nothing', 'RUN x\n', `FROM ${BASE}\n${'#\n'.repeat(6000)}`, 'x'.repeat(300_000)]) {
    assert.throws(() => lintDockerfile(text, context), {
      code: 'DOCKERFILE_INVALID',
      message: /^cannot read Dockerfile: it/,
    })
  }
})

for (const piece of [
  'FROM a AS b\n',
  '\\\n',
  'RUN --mount=from=',
  '${',
  'FROM $A',
  'COPY --from=x ',
  '<<E\n',
  '"',
  'ENV A=',
]) {
  test(`a Dockerfile of nothing but ${JSON.stringify(piece)} is read in time`, { timeout: 20_000 }, () => {
    const many = piece.repeat(Math.min(4000, Math.floor(100_000 / piece.length)))
    try {
      lintDockerfile(`FROM ${BASE}\n${many}`, context)
    } catch (error) {
      assert.match(String(error), /more than 200 stages/)
    }
  })
}
