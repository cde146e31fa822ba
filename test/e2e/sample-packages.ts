import type { DebSpec } from '#testkit'

/** Bytes that look random to a compressor and are the same on every machine and release of Node. */
export function noise(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = seed >>> 0
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

const COPYRIGHT = 'Licence: as you like it.\n'

/**
 * The packages that end-to-end tests build images of: `greet` and what it needs, one of them of several blocks, with what
 * decides the bytes of layers: hard links, setuid, links, conffiles, paths that rules leave out, the unmerged /bin.
 */
export function samplePackages(architecture: string): DebSpec[] {
  return [
    {
      name: 'greet',
      version: '1.2-3',
      architecture,
      fields: { Depends: 'libgreet1 (>= 1.0), greet-data, greet-common' },
      files: {
        '/bin/greet': { content: `program for ${architecture}\n`, mode: 0o755 },
        '/usr/bin/hello': { hardlink: '/bin/greet' },
        '/usr/bin/as-root': { content: 'setuid program\n', mode: 0o4755 },
        '/usr/share/doc/greet/copyright': COPYRIGHT,
        '/usr/share/doc/greet/changelog.gz': 'left out by a rule',
        '/usr/share/man/man1/greet.1.gz': 'left out by a rule',
        '/etc/greet.conf': 'word = hello\n',
        '/var/lib/greet/': { mode: 0o2775, gid: 8 },
      },
      scripts: { conffiles: '/etc/greet.conf\n' },
    },
    {
      name: 'libgreet1',
      version: '1.0-1',
      architecture,
      fields: { Source: 'libgreet', 'Multi-Arch': 'same' },
      compression: 'xz',
      files: {
        '/usr/lib/libgreet.so.1.0': { content: noise(70_000, architecture.length), mode: 0o644 },
        '/usr/lib/libgreet.so.1': { link: 'libgreet.so.1.0' },
        '/usr/share/doc/libgreet1/copyright': COPYRIGHT,
      },
    },
    {
      name: 'greet-data',
      version: '1.2-3',
      architecture: 'all',
      fields: { Source: 'greet' },
      compression: 'zstd',
      files: {
        '/usr/share/greet/words': noise(2_500_000, 7),
        '/usr/share/greet/zeros': new Uint8Array(1_200_000),
        '/usr/share/doc/greet-data/copyright': COPYRIGHT,
      },
    },
    {
      name: 'greet-common',
      version: '1.2-3',
      architecture: 'all',
      compression: 'none',
      files: { '/usr/share/greet/common': 'common\n', '/usr/share/doc/greet-common/copyright': COPYRIGHT },
    },
    { name: 'shout', version: '0.9', architecture, files: { '/usr/bin/shout': { content: 'shout\n', mode: 0o755 } } },
  ]
}
