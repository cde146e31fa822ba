import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAptSources } from './apt-sources.ts'

test('one-line sources: options are passed over, comments, sources and other transports left out', () => {
  const text = `# deb http://commented.example/debian trixie main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://a.example/debian/ trixie main # note
deb-src http://b.example/debian trixie main
deb cdrom:[Debian]/ trixie main
deb https://c.example/debian-security trixie-security main
`
  assert.deepEqual(parseAptSources(text, 'sources.list'), [
    { uris: ['http://a.example/debian'], suites: ['trixie'] },
    { uris: ['https://c.example/debian-security'], suites: ['trixie-security'] },
  ])
})

test('deb822 sources: several URIs and suites, disabled ones left out', () => {
  const text = `Types: deb deb-src
URIs: http://a.example/debian/ http://b.example/debian
Suites: trixie trixie-updates
Components: main

Enabled: no
Types: deb
URIs: http://c.example/debian
Suites: trixie

Types: deb-src
URIs: http://d.example/debian
Suites: trixie
`
  assert.deepEqual(parseAptSources(text, 'debian.sources'), [
    { uris: ['http://a.example/debian', 'http://b.example/debian'], suites: ['trixie', 'trixie-updates'] },
  ])
})

test('a file that apt would refuse suggests nothing', () => {
  assert.deepEqual(parseAptSources('no field\n', 'broken.sources'), [])
  assert.deepEqual(parseAptSources('deb\n', 'sources.list'), [])
})
