import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDecoders, loadLibarchive } from '#debian'
import { type ImageFiles, readImageFiles } from '#oci'
import { buildDeb, type DebSpec } from '#testkit'
import { PatchError } from './errors.ts'
import { readNewerPackages } from './io/read-newer-package.ts'
import { packageKey } from './package-state.ts'
import { isPatchPath, patchFiles, readDpkgImage } from './patch-files.ts'
import { encodePatchLayer } from './patch-layer.ts'
import { paragraphsOf } from './status-file.ts'

/** A root file system before and after: what is installed, what is changed by hand, what becomes newer. */
interface Row {
  readonly older: readonly DebSpec[]
  readonly newer: readonly DebSpec[]
  /** A line of sh in the root between the two. */
  readonly between?: string
  /** dpkg refuses, and so do we, with this in the message. */
  readonly refused?: RegExp
}

const one = (files: DebSpec['files'], more: Partial<DebSpec> = {}): DebSpec => ({
  name: 'one',
  version: '1',
  ...(files === undefined ? {} : { files }),
  ...more,
})
const next = (files: DebSpec['files'], more: Partial<DebSpec> = {}): DebSpec => one(files, { version: '2', ...more })
const conf = { scripts: { conffiles: '/etc/one.conf\n' } }

/** dpkg itself is the second opinion: both roots are the same in every path, database included. */
const rows: Readonly<Record<string, Row>> = {
  'a file that changes, one that goes, one that comes': {
    older: [one({ '/usr/bin/one': 'old', '/usr/share/one/gone': 'x', '/usr/share/one/stays': 's' })],
    newer: [next({ '/usr/bin/one': 'new', '/usr/share/one/stays': 's', '/usr/share/two/comes': 'y' })],
  },
  'a folder that is left empty, and one that is not': {
    older: [one({ '/usr/share/one/deep/gone': 'x', '/var/lib/one/': '' })],
    newer: [next({ '/usr/bin/one': 'new' })],
    between: 'echo data > var/lib/one/data',
  },
  'a folder that two packages have': {
    older: [one({ '/usr/share/both/one': '1' }), { name: 'two', version: '1', files: { '/usr/share/both/': '' } }],
    newer: [next({ '/usr/bin/one': 'new' })],
  },
  'a mode and a link that change': {
    older: [one({ '/usr/bin/one': { content: 'x', mode: 0o755 }, '/usr/lib/libone.so': { link: 'libone.so.1' } })],
    newer: [next({ '/usr/bin/one': { content: 'x', mode: 0o4755 }, '/usr/lib/libone.so': { link: 'libone.so.2' } })],
  },
  'hard links': {
    older: [one({ '/usr/bin/a': 'x', '/usr/bin/b': { hardlink: '/usr/bin/a' } })],
    newer: [
      next({ '/usr/bin/a': 'y', '/usr/bin/b': { hardlink: '/usr/bin/a' }, '/usr/bin/c': { hardlink: '/usr/bin/a' } }),
    ],
  },
  'a configuration file that nobody changed': {
    older: [one({ '/etc/one.conf': 'old' }, conf)],
    newer: [next({ '/etc/one.conf': 'new' }, conf)],
  },
  'a configuration file that somebody changed': {
    older: [one({ '/etc/one.conf': 'old' }, conf)],
    newer: [next({ '/etc/one.conf': 'new' }, conf)],
    between: 'echo mine > etc/one.conf',
  },
  'a configuration file that somebody closed to others': {
    older: [one({ '/etc/one.conf': 'old' }, conf)],
    newer: [next({ '/etc/one.conf': 'new' }, conf)],
    between: 'chmod 600 etc/one.conf',
  },
  'a configuration file that somebody changed and the package did not': {
    older: [one({ '/etc/one.conf': 'old' }, conf)],
    newer: [next({ '/etc/one.conf': 'old', '/usr/bin/one': 'new' }, conf)],
    between: 'echo mine > etc/one.conf',
  },
  'a configuration file that somebody changed to what the package has now': {
    older: [one({ '/etc/one.conf': 'old' }, conf)],
    newer: [next({ '/etc/one.conf': 'new' }, conf)],
    between: 'printf new > etc/one.conf',
  },
  'a configuration file that somebody took away': {
    older: [one({ '/etc/one.conf': 'old' }, conf)],
    newer: [next({ '/etc/one.conf': 'new' }, conf)],
    between: 'rm etc/one.conf',
  },
  'a configuration file that is new': {
    older: [one({ '/usr/bin/one': 'x' })],
    newer: [next({ '/usr/bin/one': 'x', '/etc/one.conf': 'new' }, conf)],
  },
  'a configuration file that is new where somebody has one': {
    older: [one({ '/usr/bin/one': 'x' })],
    newer: [next({ '/usr/bin/one': 'x', '/etc/one.conf': 'new' }, conf)],
    between: 'mkdir -p etc; echo mine > etc/one.conf',
  },
  'a configuration file that the package no longer has': {
    older: [one({ '/etc/one.conf': 'old', '/usr/bin/one': 'x' }, conf)],
    newer: [next({ '/usr/bin/one': 'y' })],
  },
  'a file that moves to another package': {
    older: [
      one({ '/usr/bin/tool': '1', '/usr/bin/one': '1' }),
      { name: 'two', version: '1', files: { '/usr/bin/two': '2' } },
    ],
    newer: [
      next({ '/usr/bin/one': '2' }),
      {
        name: 'two',
        version: '2',
        files: { '/usr/bin/two': '2', '/usr/bin/tool': '2' },
        fields: { Replaces: 'one (<< 2)', Breaks: 'one (<< 2)' },
      },
    ],
  },
  'a file that is taken from a package that stays': {
    older: [
      one({ '/usr/bin/tool': '1', '/usr/bin/one': '1' }),
      { name: 'two', version: '1', files: { '/usr/bin/two': '2' } },
    ],
    newer: [
      { name: 'two', version: '2', files: { '/usr/bin/two': '2', '/usr/bin/tool': '2' }, fields: { Replaces: 'one' } },
    ],
  },
  'a file that another package has': {
    older: [one({ '/usr/bin/tool': '1' }), { name: 'two', version: '1', files: { '/usr/bin/two': '2' } }],
    newer: [{ name: 'two', version: '2', files: { '/usr/bin/tool': '2' } }],
    refused: /cannot put \/usr\/bin\/tool of two 2 into the image: one 1 has it/,
  },
  'a folder that the image has as a link': {
    older: [one({ '/usr/lib/one/a': '1' })],
    newer: [next({ '/usr/lib/one/a': '2', '/usr/lib/one/b': '2' })],
    between: 'mkdir -p srv && mv usr/lib/one srv/one && ln -s ../../srv/one usr/lib/one',
  },
  'a path below a link of the merged /usr': {
    older: [one({ '/usr/bin/first': '1', '/lib/one.so': '1' }, { scripts: {} })],
    newer: [next({ '/usr/bin/first': '1', '/usr/lib/one.so': '2' })],
    between: 'mkdir -p usr/lib && mv lib/one.so usr/lib/ && rmdir lib && ln -s usr/lib lib',
  },
  'a link where the image has a folder': {
    older: [one({ '/usr/share/doc/one/a': '1' })],
    newer: [next({ '/usr/share/doc/one': { link: 'two' }, '/usr/share/doc/two/a': '2' })],
  },
  'paths that dpkg is told to leave out': {
    older: [one({ '/usr/bin/one': '1' })],
    newer: [
      next({
        '/usr/bin/one': '2',
        '/usr/share/doc/one/copyright': 'c',
        '/usr/share/doc/one/changelog': 'l',
        '/usr/share/man/man1/one.1': 'm',
      }),
    ],
    between:
      "mkdir -p etc/dpkg/dpkg.cfg.d; printf 'path-exclude=/usr/share/doc/*\\npath-include /usr/share/doc/*/copyright\\npath-exclude=/usr/share/man/*\\n' > etc/dpkg/dpkg.cfg.d/docs",
  },
  'a path that is diverted': {
    older: [one({ '/usr/bin/one': '1' })],
    newer: [next({ '/usr/bin/one': '2' })],
    between:
      'dpkg-divert --root "$PWD" --local --rename --divert /usr/bin/one.real --add /usr/bin/one; echo mine > usr/bin/one',
  },
  'a path with an override': {
    older: [one({ '/usr/bin/one': { content: '1', mode: 0o755 } })],
    newer: [next({ '/usr/bin/one': { content: '2', mode: 0o755 } })],
    between: "printf '#0 #0 2711 /usr/bin/one\\n' > var/lib/dpkg/statoverride",
  },
  'packages that are installed for two architectures at once have lists of their own': {
    older: [one({ '/usr/lib/x86_64/one': '1' }, { fields: { 'Multi-Arch': 'same' } })],
    newer: [next({ '/usr/lib/x86_64/one': '2' }, { fields: { 'Multi-Arch': 'same' } })],
  },
  'control files that come and go': {
    older: [one({ '/usr/bin/one': '1' }, { scripts: { shlibs: 'libone 1 one\n', templates: 'Template: one/a\n' } })],
    newer: [next({ '/usr/bin/one': '2' }, { scripts: { symbols: 'libone.so.1 one\n' } })],
  },
  'fields of every kind': {
    older: [one({ '/usr/bin/one': '1' })],
    newer: [
      next(
        { '/usr/bin/one': '2' },
        {
          fields: {
            Homepage: 'https://one.example.org',
            Description: 'first line\n second line\n .\n third',
            Provides: 'first, other (= 2)',
            'Pre-Depends': 'dpkg',
            Priority: 'optional',
            Section: 'misc',
            'Installed-Size': '12',
            Source: 'ones (2-1)',
            Tag: 'a::b',
          },
        },
      ),
    ],
  },
}

for (const [name, row] of Object.entries(rows)) {
  test(`dpkg and we bring packages to newer versions alike: ${name}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'casemate-patch-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const root = join(folder, 'root')
    for (const path of ['info', 'updates', 'triggers']) mkdirSync(join(root, 'var/lib/dpkg', path), { recursive: true })
    writeFileSync(join(root, 'var/lib/dpkg/status'), '')
    assert.equal(installed(folder, root, row.older), true)
    if (row.between !== undefined) {
      const run = asRoot('sh', ['-ec', row.between], root)
      assert.equal(run.status, 0, run.stderr)
    }
    const before = archived(root, join(folder, 'before.tar'))
    const isDone = installed(folder, root, row.newer, filtersOf(row))
    if (row.refused !== undefined) {
      assert.equal(isDone, false)
      await assert.rejects(patchedBy(folder, before, row.newer), (error: unknown) => {
        return error instanceof PatchError && row.refused?.test(error.message) === true
      })
      return
    }
    assert.equal(isDone, true)
    const after = archived(root, join(folder, 'after.tar'))
    const wanted = await readImageFiles([layerOf(after)], { wants: () => true })
    assert.deepEqual(seen(await patchedBy(folder, before, row.newer)), seen(wanted))
  })
}

/** A host's dpkg reads its own settings, not those of a root: they are given to it as options. */
function filtersOf({ between = '' }: Row): readonly string[] {
  return [...between.matchAll(/path-(exclude|include)[= ]([^\\]+)\\n/g)].map(
    ([, kind, glob]) => `--path-${kind}=${glob}`,
  )
}

function installed(folder: string, root: string, specs: readonly DebSpec[], filters: readonly string[] = []): boolean {
  const paths = specs.map((spec) => {
    const path = join(folder, `${spec.name}-${spec.version}.deb`)
    writeFileSync(path, buildDeb(spec))
    return path
  })
  const options = [
    '--log',
    '/dev/null',
    '--force-depends',
    '--force-bad-path',
    '--force-confold',
    '--force-architecture',
  ]
  return asRoot('dpkg', ['--root', root, ...options, ...filters, '--install', ...paths]).status === 0
}

/** dpkg wants to be root, if only of a namespace of its own. */
function asRoot(program: string, args: readonly string[], cwd?: string) {
  const isRoot = process.getuid?.() === 0
  const [command = '', ...rest] = isRoot ? [program, ...args] : ['unshare', '--map-root-user', program, ...args]
  return spawnSync(command, rest, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, ...(cwd && { cwd }) })
}

function archived(root: string, file: string): string {
  const run = asRoot('tar', ['--numeric-owner', '-C', root, '-cf', file, '.'])
  assert.equal(run.status, 0, run.stderr)
  return file
}

function layerOf(file: string) {
  return { openTar: () => createReadStream(file) as AsyncIterable<Uint8Array> }
}

async function patchedBy(folder: string, before: string, specs: readonly DebSpec[]): Promise<ImageFiles> {
  const image = readDpkgImage(await readImageFiles([layerOf(before)], { wants: isPatchPath }))
  const stanzas = paragraphsOf(image.status)
  const downloaded = specs.map((spec) => {
    const own = image.packages.find((each) => each.name === spec.name)
    assert.ok(own)
    const status = stanzas.get(packageKey(own))
    assert.ok(status)
    return { installed: own, status, path: join(folder, `${spec.name}-${spec.version}.deb`) }
  })
  const newer = readNewerPackages(downloaded, createDecoders(await loadLibarchive()))
  const tar = encodePatchLayer(patchFiles(image, newer).changes, image.files)
  const layer = {
    openTar: async function* () {
      yield tar
    },
  }
  return readImageFiles([layerOf(before), layer], { wants: () => true })
}

/** Every path as far as both must have it alike: times of folders and of the database are those of the run. */
function seen(files: ImageFiles): Readonly<Record<string, unknown>> {
  const left = /^\/var\/lib\/dpkg\/(?:status-old|lock|lock-frontend|triggers\/.*|.*-old)$/
  return Object.fromEntries(
    [...files.entries()]
      .filter(({ path }) => !left.test(path) && path !== '/')
      .sort((one, other) => (one.path < other.path ? -1 : 1))
      .map(({ path, type, mode, uid, gid, target }) => {
        const isFile = type === 'file' || type === 'hardlink'
        const content = isFile ? Buffer.from(files.read(path) ?? '').toString('utf8') : target
        // A list's order means nothing.
        const listed = path.endsWith('.list') ? content.split('\n').sort().join('\n') : content
        return [path, [isFile ? 'file' : type, type === 'symlink' ? 0 : mode, uid, gid, listed]]
      }),
  )
}
