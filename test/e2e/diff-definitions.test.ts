import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFINITION, openWorkplace } from './workplace.ts'

test('two definitions differ in what they say once merged, and in the packages of their locks', async (t) => {
  const place = await openWorkplace(t)
  place.write('base.yaml', DEFINITION)
  place.write(
    'app.yaml',
    `image: app
extends: ./base.yaml
packages: [shout]
environment: { WORD: hello }
contract: { ports: [8080], writable: [/tmp] }
paths: [{ path: /etc/motd, content: "other\\n", replace: true }]
tests: [{ name: shouts, command: [/usr/bin/shout] }]
`,
  )
  const bare = await place.run(['diff', 'base.yaml', './app.yaml'])
  assert.equal(bare.status, 1, bare.stderr)
  assert.match(bare.stdout, /packages are not compared: base\.yaml has no lock for the platform/)
  for (const name of ['base.yaml', 'app.yaml']) {
    const locked = await place.run(['lock', `./${name}`])
    assert.equal(locked.status, 0, locked.stderr)
  }

  const json = await place.run(['diff', './base.yaml', './app.yaml', '--json', '--platform', 'linux/amd64'])
  assert.equal(json.status, 1, json.stderr)
  const { schema, isSame, changes, packages } = JSON.parse(json.stdout)
  assert.deepEqual([schema, isSame], ['casemate.diff-definitions/v1', false])
  assert.deepEqual(
    changes
      .filter(({ part }: { part: string }) => part !== 'about' && part !== 'paths')
      .map(({ part, name, from, to }: Record<string, string | null>) => [part, name, from, to]),
    [
      ['contract', 'ports', null, '["8080/tcp"]'],
      ['contract', 'writable', null, '["/tmp"]'],
      ['program', 'environment WORD', null, 'hello'],
      ['packages', 'asked for shout', null, 'yes'],
      ['tests', 'shouts', null, '{"command":["/usr/bin/shout"]}'],
    ],
  )
  assert.deepEqual(
    packages.map(({ kind, source, to }: { kind: string; source: string; to: { version: string } }) => [
      kind,
      source,
      to.version,
    ]),
    [['added', 'shout', '0.9']],
  )

  const text = await place.run(['diff', './base.yaml', './app.yaml', '--platform', 'linux/amd64'])
  assert.match(text.stdout, /^The definitions differ: 9 settings and 1 package change\.\n/)
  assert.match(text.stdout, /Packages added \(1\)\n.*\n +shout +0\.9 +shout/)
  assert.match(text.stdout, /\n {2}\/etc\/motd\n {4}from {2}a file 0644 0:0 sha256:/)
  const page = await place.run(['diff', './base.yaml', './app.yaml', '--markdown', '--platform', 'linux/amd64'])
  assert.match(page.stdout, /### Contract\n\n\| {2}\| from \| to \|/)

  const same = await place.run(['diff', './app.yaml', './app.yaml', '--platform', 'linux/amd64'])
  assert.deepEqual([same.status, same.stdout.split('\n')[0]], [0, 'The definitions make the same image.'])
  const mixed = await place.run(['diff', './app.yaml', 'oci:out:app'])
  assert.equal(mixed.status, 2)
  assert.match(mixed.stderr, /\.\/app\.yaml is a definition and the other an image: build it first/)
})
