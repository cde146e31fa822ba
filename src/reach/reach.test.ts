import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type ImageFile, ImageFiles, readImageFiles } from '#oci'
import { type SampleElf, sampleElf, type TarItem, tarOf } from '#testkit'
import { analyseReach, formatChain, isReachPath } from './reach.ts'
import { Walk } from './walk.ts'

/** The libraries of this machine and one program, as the files of an image; content is read when it is asked for. */
function hostFiles(program: string): ImageFiles {
  const files = new Map<string, ImageFile>()
  const add = (path: string) => {
    if (files.has(path) || path === '/') return
    add(dirname(path))
    const { mode, size } = lstatSync(path)
    const kind = mode & 0o170000
    const type = kind === 0o120000 ? 'symlink' : kind === 0o040000 ? 'directory' : 'file'
    const target = type === 'symlink' ? readlinkSync(path) : ''
    const file = {
      path,
      type,
      mode: mode & 0o7777,
      uid: 0,
      gid: 0,
      size,
      mtime: 0,
      target,
      layer: 0,
      xattrs: new Map(),
    } as const
    files.set(path, type === 'file' ? Object.defineProperty(file, 'content', { get: () => readFileSync(path) }) : file)
  }
  const walk = (folder: string, depth: number) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (depth > 0) walk(path, depth - 1)
      } else if (/\.so(\.|$)/.test(entry.name)) add(path)
    }
  }
  for (const folder of ['/lib', '/lib64', '/bin', '/usr/bin', '/usr/lib64'].filter((path) => existsSync(path)))
    add(folder)
  walk('/usr/lib', 2)
  for (const folder of ['/usr/lib64', '/usr/local/lib'].filter((path) => existsSync(path))) walk(folder, 1)
  add('/etc/ld.so.conf')
  for (const name of readdirSync('/etc/ld.so.conf.d')) add(join('/etc/ld.so.conf.d', name))
  add(program)
  add(realpathSync(program))
  return new ImageFiles(files)
}

for (const name of ['gpg', 'openssl', 'python3', 'skopeo']) {
  test(`what ${name} loads for certain is what ldd says`, () => {
    const program = join('/usr/bin', name)
    const listed = execFileSync('ldd', [program], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
    const paths = [...listed.matchAll(/(?:^\s*|=> )(\/\S+) \(0x/gm)].map(([, path = '']) => realpathSync(path))
    const { reached } = new Walk(hostFiles(program), { command: [program], environment: new Map() })
    const certain = [...reached].filter(([, { isCertain }]) => isCertain).map(([path]) => path)
    assert.deepEqual(certain.sort(), [...new Set([...paths, realpathSync(program)])].sort())
  })
}

type Files = Readonly<Record<string, SampleElf | string | { readonly link: string }>>

/** An image of made-up ELF files, texts and links. Everything below a `bin` folder can be run. */
async function imageOf(files: Files): Promise<ImageFiles> {
  const folders = new Set<string>()
  const items = Object.entries(files).map(([path, what]): TarItem => {
    for (let at = dirname(path); at !== '/'; at = dirname(at)) folders.add(at)
    if (typeof what === 'object' && 'link' in what) return { path: path.slice(1), type: 'symlink', linkPath: what.link }
    const mode = /\/s?bin\//.test(path) ? 0o755 : 0o644
    return { path: path.slice(1), mode, content: typeof what === 'string' ? what : sampleElf(what) }
  })
  const above = [...folders].sort().map((path): TarItem => ({ path: `${path.slice(1)}/`, type: 'directory' }))
  const bytes = tarOf(...above, ...items)
  const layer = {
    async *openTar() {
      yield bytes
    },
  }
  return readImageFiles([layer], { wants: isReachPath })
}

/** How packages of one file each stand to a command; the chains as lines. */
async function standings(files: Files, command: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const image = await imageOf(files)
  const packages = Object.keys(files).map((path) => ({ name: path, architecture: 'amd64', files: [path] }))
  const found = analyseReach(image, packages, { command, environment: new Map(Object.entries(environment)) })
  const lines = found.packages.map(({ name, state, chain, reason }) => [
    name,
    [state, formatChain(chain), reason ?? ''].filter((word) => word !== '').join(': '),
  ])
  return { ...found, lines: Object.fromEntries(lines) as Record<string, string> }
}

const LIB = '/usr/lib/x86_64-linux-gnu'

test('a chain is told from the entrypoint through interpreter and needs; what nothing leads to is not reached', async () => {
  const { lines, limits } = await standings(
    {
      '/usr/bin/app': { interpreter: '/lib64/ld.so', needed: ['liba.so.1'] },
      '/lib64/ld.so': {},
      [`${LIB}/liba.so.1`]: { needed: ['libb.so.2'], soname: 'liba.so.1' },
      [`${LIB}/libb.so.2`]: { needed: ['liba.so.1'] },
      [`${LIB}/libc.so.9`]: {},
      '/usr/share/data': 'words',
    },
    ['app'],
  )
  assert.deepEqual(lines, {
    '/usr/bin/app': 'loaded: starts /usr/bin/app',
    '/lib64/ld.so': 'loaded: starts /usr/bin/app, which is interpreted by /lib64/ld.so',
    [`${LIB}/liba.so.1`]: `loaded: starts /usr/bin/app, which needs ${LIB}/liba.so.1`,
    [`${LIB}/libb.so.2`]: `loaded: starts /usr/bin/app, which needs ${LIB}/liba.so.1, which needs ${LIB}/libb.so.2`,
    [`${LIB}/libc.so.9`]: 'not reached',
    '/usr/share/data': 'no analysis: it has no program or library: who reads its data and scripts is not followed',
  })
  assert.deepEqual(limits, [])
})

const searches: [files: Files, found: string, because: string][] = [
  [
    { '/usr/bin/app': { needed: ['l.so'], rpath: '/opt/a' }, '/opt/a/l.so': {}, '/usr/lib/l.so': {} },
    '/opt/a/l.so',
    'DT_RPATH first',
  ],
  [
    { '/usr/bin/app': { needed: ['l.so'], rpath: '/opt/a', runpath: '/opt/b' }, '/opt/a/l.so': {}, '/opt/b/l.so': {} },
    '/opt/b/l.so',
    'DT_RUNPATH puts DT_RPATH out of force',
  ],
  [
    { '/usr/bin/app': { needed: ['k.so'], rpath: '/opt/a' }, '/opt/a/k.so': { needed: ['l.so'] }, '/opt/a/l.so': {} },
    '/opt/a/l.so',
    'DT_RPATH holds below',
  ],
  [
    {
      '/usr/bin/app': { needed: ['k.so'], runpath: '/opt/a' },
      '/opt/a/k.so': { needed: ['l.so'] },
      '/opt/a/l.so': {},
      '/usr/lib/l.so': {},
    },
    '/usr/lib/l.so',
    'DT_RUNPATH does not',
  ],
  [
    { '/opt/x/bin/app': { needed: ['l.so'], runpath: '${ORIGIN}/../lib' }, '/opt/x/lib/l.so': {} },
    '/opt/x/lib/l.so',
    '$ORIGIN',
  ],
  [{ '/usr/bin/app': { needed: ['/opt/l.so'] }, '/opt/l.so': {} }, '/opt/l.so', 'a name with a slash is a path'],
  [
    { '/usr/bin/app': { needed: ['l.so'] }, [`${LIB}/l.so`]: { machine: 183 }, '/usr/lib/l.so': {} },
    '/usr/lib/l.so',
    'another machine’s library is passed over',
  ],
  [
    { '/usr/bin/app': { needed: ['l.so'] }, [`${LIB}/l.so`]: {}, [`${LIB}/glibc-hwcaps/x86-64-v3/l.so`]: {} },
    `${LIB}/glibc-hwcaps/x86-64-v3/l.so`,
    'the variant for better processors counts too',
  ],
  [
    {
      '/usr/bin/app': { needed: ['l.so'] },
      '/etc/ld.so.conf': '# all\ninclude /etc/ld.so.conf.d/*.conf\n',
      '/etc/ld.so.conf.d/a.conf': 'include /etc/ld.so.conf\n/opt/conf\n',
      '/opt/conf/l.so': {},
    },
    '/opt/conf/l.so',
    'folders of ld.so.conf, which may include itself',
  ],
  [
    { '/usr/bin/app': { needed: ['l.so'] }, '/usr/lib/l.so': { link: '../../opt/l.so.1' }, '/opt/l.so.1': {} },
    '/opt/l.so.1',
    'links are followed inside the image',
  ],
]
for (const [files, found, because] of searches) {
  test(`a library is searched for as ld.so does: ${because}`, async () => {
    const [program = ''] = Object.keys(files)
    const { lines } = await standings(files, [program])
    assert.match(lines[found] ?? '', /^loaded: /)
    const others = Object.keys(files).filter((path) => path.endsWith('/l.so') && path !== found)
    const passedOver = others.filter(
      (path) => !found.startsWith(`${dirname(path)}/glibc-hwcaps/`) && path !== '/usr/lib/l.so',
    )
    for (const path of passedOver) assert.equal(lines[path], 'not reached', path)
  })
}

test('LD_LIBRARY_PATH and LD_PRELOAD of the config count', async () => {
  const files = {
    '/usr/bin/app': { needed: ['l.so'] },
    '/opt/l.so': {},
    '/usr/lib/l.so': {},
    '/usr/lib/trace.so': {},
  }
  const { lines } = await standings(files, ['/usr/bin/app'], { LD_LIBRARY_PATH: '/opt', LD_PRELOAD: 'trace.so' })
  assert.match(lines['/usr/lib/trace.so'] ?? '', /^loaded: .*preloads/)
  assert.deepEqual([lines['/opt/l.so']?.slice(0, 6), lines['/usr/lib/l.so']], ['loaded', 'not reached'])
})

test('names in texts are hints: libraries, programs, folders of plugins, and what those need', async () => {
  const { lines } = await standings(
    {
      '/usr/bin/app': { texts: ['libhint.so.1', '/usr/bin/tool', '/usr/lib/plugins/', '/usr/lib', 'libnone.so'] },
      [`${LIB}/libhint.so.1`]: { needed: ['libdeep.so'] },
      [`${LIB}/libdeep.so`]: {},
      '/usr/bin/tool': {},
      '/usr/bin/other': {},
      '/usr/lib/plugins/one.so': {},
      '/usr/lib/unnamed.so': {},
    },
    ['/usr/bin/app'],
  )
  assert.deepEqual(
    Object.entries(lines).map(([path, line]) => `${path.split('/').at(-1)} ${line.split(':')[0]}`),
    [
      'app loaded',
      'libhint.so.1 can be loaded',
      'libdeep.so can be loaded',
      'tool can be loaded',
      'other not reached',
      'one.so can be loaded',
      'unnamed.so not reached',
    ],
  )
  assert.match(lines[`${LIB}/libdeep.so`] ?? '', /names \S*libhint.so.1, which needs/)
})

test('a script leads to its interpreter; a runtime imports from its folders, and is a limit of the analysis', async () => {
  const { lines, limits } = await standings(
    {
      '/usr/bin/serve': '#!/usr/bin/env python3.13\nimport ssl\n',
      '/usr/bin/env': {},
      '/usr/bin/python3.13': { needed: ['libz.so.1'] },
      [`${LIB}/libz.so.1`]: {},
      '/usr/lib/python3.13/lib-dynload/_ssl.so': { needed: ['libssl.so.3'] },
      [`${LIB}/libssl.so.3`]: {},
      '/usr/lib/python3/dist-packages/requests.py': 'pass',
      [`${LIB}/libother.so.3`]: {},
    },
    ['serve'],
  )
  const chain = 'starts /usr/bin/serve, which runs /usr/bin/python3.13'
  assert.equal(lines['/usr/bin/env'], 'loaded: starts /usr/bin/serve, which is interpreted by /usr/bin/env')
  assert.equal(
    lines[`${LIB}/libssl.so.3`],
    `can be loaded: ${chain}, which imports /usr/lib/python3.13/lib-dynload/_ssl.so, which needs ${LIB}/libssl.so.3`,
  )
  assert.equal(
    lines['/usr/lib/python3/dist-packages/requests.py'],
    `can be loaded: ${chain}, which imports /usr/lib/python3/dist-packages/requests.py`,
  )
  assert.equal(lines[`${LIB}/libother.so.3`], 'not reached')
  assert.match(limits.join('\n'), /python3\.13 \(python\) runs code that is not analysed/)
})

test('what is missing, cannot be read or runs programs by name is a limit', async () => {
  const { limits, faults, lines } = await standings(
    {
      '/usr/bin/app': { needed: ['libgone.so', 'libcut.so'], texts: ['execvp'] },
      '/usr/lib/libcut.so': `\x7fELF${'\x02\x01'}`,
    },
    ['/usr/bin/app'],
  )
  assert.match(faults.join('\n'), /cannot read \/usr\/lib\/libcut\.so as ELF/)
  assert.match(limits.join('\n'), /needs libgone\.so, which the image does not have/)
  assert.match(limits.join('\n'), /can run programs by names/)
  assert.match(limits.join('\n'), /1 files could not be read/)
  assert.match(lines['/usr/lib/libcut.so'] ?? '', /^no analysis: .*cannot be read as ELF/)
})

test('glibc’s name services are libraries that nsswitch.conf names', async () => {
  const { lines } = await standings(
    {
      '/usr/bin/app': { needed: ['libc.so.6'] },
      [`${LIB}/libc.so.6`]: { soname: 'libc.so.6', texts: ['execvp'] },
      [`${LIB}/libnss_systemd.so.2`]: {},
      [`${LIB}/libnss_ldap.so.2`]: {},
      '/etc/nsswitch.conf': 'passwd: files systemd [NOTFOUND=return] # ldap\n',
    },
    ['/usr/bin/app'],
  )
  assert.match(lines[`${LIB}/libnss_systemd.so.2`] ?? '', /^can be loaded/)
  assert.equal(lines[`${LIB}/libnss_ldap.so.2`], 'not reached')
})

test('without an entrypoint, or without its program, nothing is said', async () => {
  const files = { '/usr/bin/app': {} }
  assert.equal((await standings(files, [])).lines['/usr/bin/app'], 'no analysis: the image has no entrypoint')
  assert.equal((await standings(files, ['gone'])).lines['/usr/bin/app'], 'no analysis: the image has no program gone')
})
