import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { formatReference, parseReference, type Reference } from './reference.ts'

const digest = digestOf('image')
const docker = { transport: 'docker' } as const

const read: [string, Reference, string][] = [
  [
    'docker://python',
    { ...docker, registry: 'docker.io', repository: 'library/python', tag: 'latest' },
    'Docker Hub names are short',
  ],
  [
    'docker://team/app:1',
    { ...docker, registry: 'docker.io', repository: 'team/app', tag: '1' },
    'a namespace is no registry',
  ],
  [
    'docker.io/python',
    { ...docker, registry: 'docker.io', repository: 'library/python', tag: 'latest' },
    'written out it is the same',
  ],
  ['quay.io/a/b/c:v1', { ...docker, registry: 'quay.io', repository: 'a/b/c', tag: 'v1' }, 'a dot makes a registry'],
  ['localhost/app', { ...docker, registry: 'localhost', repository: 'app', tag: 'latest' }, 'localhost is a registry'],
  ['host:5000/app', { ...docker, registry: 'host:5000', repository: 'app', tag: 'latest' }, 'a port makes a registry'],
  [
    'docker://[::1]:5000/app',
    { ...docker, registry: '[::1]:5000', repository: 'app', tag: 'latest' },
    'IPv6 stands in brackets',
  ],
  [`quay.io/a@${digest}`, { ...docker, registry: 'quay.io', repository: 'a', digest }, 'a digest needs no tag'],
  [`quay.io/a:1@${digest}`, { ...docker, registry: 'quay.io', repository: 'a', tag: '1', digest }, 'both may stand'],
  ['oci:dir', { transport: 'oci', directory: 'dir' }, 'a layout needs no tag'],
  ['oci:./out:python', { transport: 'oci', directory: './out', tag: 'python' }, 'a layout has tags'],
  [
    'oci:/out:quay.io/a:1',
    { transport: 'oci', directory: '/out', tag: 'quay.io/a:1' },
    'the path ends at the first colon',
  ],
  [
    'oci-archive:a.tar:1.0',
    { transport: 'oci-archive', file: 'a.tar', tag: '1.0' },
    'an archive of a layout has tags too',
  ],
  ['docker-archive:a.tar', { transport: 'docker-archive', file: 'a.tar' }, 'the name may be missing'],
  [
    'docker-archive:a.tar:app',
    { transport: 'docker-archive', file: 'a.tar', name: 'app:latest' },
    'engines want a tag',
  ],
  [
    'docker-archive:a.tar:h:1/app:2',
    { transport: 'docker-archive', file: 'a.tar', name: 'h:1/app:2' },
    'a registry may stand in the name',
  ],
]
for (const [text, want, because] of read) {
  test(`${text.slice(0, 40)} is read: ${because}`, () => {
    assert.deepEqual(parseReference(text), want)
    assert.deepEqual(parseReference(formatReference(want)), want)
  })
}

const refused: [string, RegExp, string][] = [
  ['python', /names no registry; want docker:\/\/NAME/, 'a bare name could be a file or an image'],
  ['team/app', /names no registry/, 'a namespace is no registry'],
  ['./out', /names no registry/, 'a path wants its transport'],
  ['', /names no registry/, 'nothing is nothing'],
  ['docker://Quay.io/App', /"App" is no repository name/, 'repositories are lower case'],
  ['quay.io/a/../b', /no repository name/, 'a repository is no path'],
  ['quay.io/%2e%2e/b', /no repository name/, 'nothing is unescaped'],
  [`quay.io/${'a'.repeat(250)}`, /no repository name/, 'names have 255 characters at most'],
  ['quay.io/a:', /"" is no tag/, 'a colon announces a tag'],
  [`quay.io/a:${'t'.repeat(129)}`, /is no tag/, 'a tag has 128 characters at most'],
  ['quay.io/a@sha256:12', /no SHA-256 digest/, 'a digest is whole'],
  [`quay.io/a@${digest}@${digest}`, /two digests/, 'a digest stands once'],
  ['docker://user@quay.io/a', /no SHA-256 digest|no repository/, 'credentials do not belong here'],
  ['docker://-bad.host/a', /no registry/, 'a host name is one'],
  ['oci:', /no path/, 'a path is needed'],
  ['oci:dir:bad tag', /no name for an image/, 'the grammar of ref.name'],
  ['docker-archive:a.tar:UPPER', /no REPOSITORY/, 'engines want lower case'],
]
for (const [text, message, because] of refused) {
  test(`"${text.slice(0, 40)}" is refused: ${because}`, () => {
    assert.throws(() => parseReference(text), { code: 'REFERENCE_INVALID', message })
  })
}
