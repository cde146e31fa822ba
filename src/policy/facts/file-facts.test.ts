import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { type ImageFile, ImageFiles } from '#oci'
import type { Inventory } from '#sbom'
import { type Declared, fileFacts, NOTHING_DECLARED } from './file-facts.ts'

const entry = (path: string, more: Partial<ImageFile> = {}): ImageFile => ({
  ...{ path, type: 'file', mode: 0o755, uid: 0, gid: 0, size: 1, mtime: 0, target: '', layer: 0, xattrs: new Map() },
  ...more,
})
const link = (path: string, target: string): ImageFile => entry(path, { type: 'symlink', mode: 0o777, target })

/** The facts of files of which package `tool` owns those in /usr/bin/tool*. */
function factsOf(entries: readonly ImageFile[], declared: Partial<Declared> = {}) {
  const files = entries.map(({ path }) => path).filter((path) => path.startsWith('/usr/bin/tool'))
  const inventory: Inventory = {
    image: {
      name: 'app',
      digest: digestOf(new Uint8Array()),
      architecture: 'amd64',
      created: '',
      version: '',
      layers: [],
    },
    ...{ distribution: undefined, applications: [], unowned: [], faults: [] },
    packages: [
      {
        ...{
          name: 'tool',
          version: '1',
          architecture: 'amd64',
          source: { name: 'tool', version: '1' },
          maintainer: '',
        },
        ...{ homepage: '', description: '', layer: undefined, files },
      },
    ],
  }
  const byPath = new Map(entries.map((one) => [one.path, one]))
  return fileFacts(new ImageFiles(byPath), inventory, { ...NOTHING_DECLARED, ...declared })
}

const programs: [string, ImageFile[], string[], string][] = [
  ['a shell', [entry('/usr/bin/dash')], ['/usr/bin/dash'], 'by its name'],
  ['a link to one', [entry('/bin/x'), link('/opt/sh', '../bin/x')], ['/opt/sh'], 'whatever it leads to'],
  ['a link to nothing', [link('/bin/sh', 'dash')], [], 'it starts nothing'],
  ['a link round', [link('/bin/sh', 'bash'), link('/bin/bash', 'sh')], [], 'it starts nothing'],
  ['a folder', [entry('/usr/share/zsh', { type: 'directory' })], [], 'it is no program'],
  ['a text', [entry('/usr/share/doc/bash', { mode: 0o644 })], [], 'nobody may run it'],
  [
    'a hard link',
    [entry('/a'), entry('/b/ash', { type: 'hardlink', target: '/a', mode: 0 })],
    ['/b/ash'],
    'as its file',
  ],
  ['another', [entry('/usr/bin/shred'), entry('/usr/bin/bashful')], [], 'the whole name counts'],
]
for (const [what, entries, want, because] of programs) {
  test(`a shell is found, or not, in ${what}: ${because}`, () => {
    assert.deepEqual(
      factsOf(entries).shells.map(({ path }) => path),
      want,
    )
  })
}

const modes: [string, ImageFile, boolean, string][] = [
  ['a folder', entry('/srv', { type: 'directory', mode: 0o777 }), true, 'anybody may put files there'],
  ['/tmp', entry('/tmp', { type: 'directory', mode: 0o1777 }), false, 'the sticky bit guards what is in it'],
  ['a link', link('/x', 'y'), false, 'the mode of a link says nothing'],
  ['/dev/null', entry('/dev/null', { type: 'character-device', mode: 0o666 }), false, 'it is for everybody'],
  ['a device elsewhere', entry('/srv/mem', { type: 'character-device', mode: 0o666 }), true, 'it has no reason to be'],
  ['a pipe', entry('/run/p', { type: 'fifo', mode: 0o622 }), true, 'anybody may speak there'],
]
for (const [what, file, want, because] of modes) {
  test(`${what} is ${want ? '' : 'not '}world-writable: ${because}`, () => {
    assert.equal(factsOf([file]).world_writable.length, want ? 1 : 0)
  })
}

const setuid = entry('/usr/bin/tool', { mode: 0o4755 })
const capable = entry('/usr/bin/tool', { xattrs: new Map([['security.capability', new Uint8Array(20)]]) })
const rights: [ImageFile, Partial<Declared>, boolean, string][] = [
  [setuid, {}, false, 'nobody asks for it'],
  [setuid, { packages: new Set(['tool']) }, false, 'who asks for a package does not ask for its rights'],
  [setuid, { paths: new Set(['/usr/bin/tool']) }, false, 'nor who asks for a path without the bit'],
  [setuid, { setuid: new Set(['/usr/bin/tool']) }, true, 'the definition writes it with the bit'],
  [capable, { setuid: new Set(['/usr/bin/tool']) }, false, 'capabilities are not the bit'],
  [
    setuid,
    { departures: [{ rule: 'no set-id file', fault: '^/usr/bin/tool 4755$', why: 'x' }] },
    true,
    'the catalogue says why',
  ],
  [setuid, { departures: [{ rule: 'no shell', fault: '.', why: 'x' }] }, false, 'another rule'],
]
for (const [file, declared, want, because] of rights) {
  test(`a program that lends rights is ${want ? '' : 'not '}declared: ${because}`, () => {
    assert.deepEqual(
      factsOf([file], declared).setuid.map((one) => one.declared),
      [want],
    )
  })
}
