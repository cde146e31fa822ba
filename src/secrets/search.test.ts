import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { readSecretKinds } from './io/default-kinds.ts'
import { parseSecretKinds } from './kinds.ts'
import { findSecretsIn, type SearchedFile, SecretSearch } from './search.ts'

/** Characters made by chance, the same every time: no token is written in these sources. */
function chance(length: number, seed = 'a'): string {
  let text = ''
  for (let round = 0; text.length < length; round++) {
    text += createHash('sha256').update(`${seed} ${round}`).digest('base64').replace(/[+/=]/g, '')
  }
  return text.slice(0, length)
}
const hex = (length: number) => createHash('sha512').update('hex').digest('hex').slice(0, length)
const TOKEN = `ghp_${chance(36)}`
const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${chance(64)}\n${chance(64, 'b')}\n-----END RSA PRIVATE KEY-----`

const search = new SecretSearch(readSecretKinds().kinds)
const kindsIn = (text: string, path = '/app/file') => findSecretsIn(text, path, search).map(({ kind }) => kind)

function searched(path: string, chunks: readonly Uint8Array[]): SearchedFile {
  let found: SearchedFile = { secrets: [], isBinary: false }
  const sink = search.sink(path, (file) => {
    found = file
  })
  for (const chunk of chunks) sink.write(chunk)
  sink.end()
  return found
}

const rows: [string, string, string[], string][] = [
  [`TOKEN=${TOKEN}`, '/app/.env', ['github-pat'], 'by its form; what its name says gives way'],
  [
    `AKIA${chance(16)
      .toUpperCase()
      .replace(/[01589]/g, 'B')}`,
    '/app/x',
    ['aws-access-token'],
    'a word by itself',
  ],
  ['AKIAIOSFODNN7EXAMPLE', '/app/x', [], 'as the documentation has it'],
  [
    `heroku_key = "${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}"`,
    '/x',
    ['heroku-api-key'],
    'by the name before it',
  ],
  [`password: ${chance(20)}`, '/etc/app.yaml', ['generic-api-key'], 'anything mixed that is called a password'],
  ['password: correct-horse-battery-staple-2', '/etc/app.yaml', [], 'words are not mixed by chance'],
  ['token=${GITHUB_TOKEN_FOR_RELEASES_2}', '/x', [], 'a variable stands for one'],
  ['api_key = "xxxxxxxxxxxxxxxxxxxxxxxx"', '/x', [], 'a mask'],
  [KEY, '/app/tls.key', ['private-key'], 'over several lines'],
  ['x', '/app/store.p12', ['pkcs12-file'], 'by the name of the file'],
  [`password = "${chance(12)}"`, '/main.tf', ['hashicorp-tf-password'], 'in files of a kind'],
  [`<add key="Password" value="${chance(12)}" />`, '/x/nuget.config', ['nuget-config-password'], 'in one file'],
  [`<add key="Password" value="${chance(12)}" />`, '/x/other.xml', [], 'and not in others'],
  [
    `curl \\\n  -H "Authorization: Bearer ${chance(20)}" example.org`,
    '/x.sh',
    ['curl-auth-header'],
    'lines further on',
  ],
  [`sourcegraph\n${hex(40)}\n`, '/x', ['sourcegraph-access-token'], 'a form like others, beside a word'],
  [`${hex(40)}\n`, '/x', [], 'without that word'],
]
for (const [text, path, want, because] of rows) {
  test(`${want.join(', ') || 'nothing'} is found in ${text.slice(0, 14).split('\n')[0]}…: ${because}`, () => {
    assert.deepEqual(
      [...new Set(kindsIn(text, path))].filter((kind) => kind !== 'generic-api-key' || want.includes(kind)).sort(),
      [...want].sort(),
    )
  })
}

test('a secret is told by line and begin, and never whole', () => {
  const found = findSecretsIn(`one\ntwo\nTOKEN=${TOKEN} rest\n\n${KEY}\n`, '/app/.env', search)
  assert.deepEqual(found, [
    { kind: 'github-pat', line: 3, shown: 'ghp_… (40 characters)' },
    { kind: 'private-key', line: 5, shown: '-----BEGIN RSA PRIVATE KEY-----…' },
  ])
  assert.doesNotMatch(JSON.stringify(found), new RegExp(`${TOKEN}|${chance(64)}`))
})

test('in what is no text, values with a form of their own are found, and no names', () => {
  const program = Buffer.concat([
    Buffer.from([127, 69, 76, 70, 0, 1]),
    Buffer.from(`password=${chance(20)};\0${TOKEN}\0`),
  ])
  const { secrets, isBinary } = searched('/usr/bin/app', [program])
  assert.deepEqual([isBinary, secrets.map(({ kind }) => kind)], [true, ['github-pat']])
})

test('a secret is found once wherever it stands in a file that is read in pieces', () => {
  const filler = Buffer.from(`${'line of text\n'.repeat(100)}`)
  for (const before of [
    0,
    1,
    2 ** 20 - 20,
    2 ** 20 - 2 ** 15 - 10,
    2 ** 20 - 2 ** 15,
    2 ** 20,
    2 ** 21 - 2 ** 15 - 140,
  ]) {
    const lead = Buffer.alloc(before, filler)
    const file = Buffer.concat([lead, Buffer.from(`\n${TOKEN}\n`), Buffer.alloc(2 ** 20, filler)])
    for (const size of [file.length, 65_536, 4093]) {
      const chunks = Array.from({ length: Math.ceil(file.length / size) }, (_, at) =>
        file.subarray(at * size, (at + 1) * size),
      )
      const line = lead.toString().split('\n').length + 1
      assert.deepEqual(searched('/x', chunks).secrets, [{ kind: 'github-pat', line, shown: 'ghp_… (40 characters)' }])
    }
  }
})

test('of thousands in one file a hundred are told', () => {
  const text = Array.from({ length: 3000 }, (_, at) => `ghp_${chance(36, String(at))}\n`).join('')
  assert.equal(searched('/x', [Buffer.from(text)]).secrets.length, 100)
})

const hostile: [string, string][] = [
  ['ghp_', 'the begin of a token'],
  ['ops_eyJ', 'a token without end'],
  ['key key=', 'names that are assigned'],
  ['curl ', 'a command over many lines'],
  ['curl\n-u ', 'its options'],
  ['-----BEGIN PRIVATE KEY', 'a key that does not end'],
  ['ey', 'two letters'],
  ['kind: secret data: ', 'a document'],
  ['https://', 'addresses'],
  ['eyJhbGciOiJIUzI1NiIsIn', 'a token in one line'],
]
for (const [piece, because] of hostile) {
  test(`a file of nothing but ${JSON.stringify(piece)} takes no longer than its length: ${because}`, {
    timeout: 60_000,
  }, () => {
    const time = (bytes: number) => {
      const start = process.cpuUsage().user
      searched('/x.yaml', [Buffer.from(piece.repeat(bytes / piece.length))])
      return (process.cpuUsage().user - start) / 1e6
    }
    time(2 ** 16)
    assert.ok(time(2 ** 21) < 20, 'ten seconds a megabyte')
  })
}

test('kinds of one’s own are found as those that ship', () => {
  const own = parseSecretKinds(
    'kinds:\n  - { kind: badge, starts: [bdg-], value: "BDG-[0-9]{6}", edge: word }\n',
    'k.yaml',
  )
  assert.deepEqual(findSecretsIn('BDG-123456 bdg-123456 BDG-1234567', '/x', new SecretSearch(own)), [
    { kind: 'badge', line: 1, shown: 'BD… (10 characters)' },
  ])
})
