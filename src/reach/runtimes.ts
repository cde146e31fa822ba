/** A program that runs code which is no ELF, and where it imports that code and its extension modules from. */
export interface Runtime {
  readonly name: string
  /** Folders whose files it can import; none where the code comes from elsewhere alone. */
  readonly folders: readonly string[]
}

type RuntimeRule = readonly [file: RegExp, name: string, folders: (found: FoundRuntime) => readonly string[]]

interface FoundRuntime {
  /** The version in the file's name; empty where it has none. */
  readonly version: string
  /** Debian's library folder of the machine: `x86_64-linux-gnu`. */
  readonly triplet: string
  /** The folder above the one that the file lies in. */
  readonly above: string
}

const RUNTIMES: readonly RuntimeRule[] = [
  [
    /^(?:lib)?python(3(?:\.\d+)?)(?:\.so.*)?$/,
    'python',
    ({ version }) => [`/usr/lib/python${version}`, '/usr/lib/python3', `/usr/local/lib/python${version}`],
  ],
  [
    /^(?:perl|perl5\.[\d.]+|libperl\.so\.([\d.]+))$/,
    'perl',
    ({ triplet }) =>
      [`/usr/lib/${triplet}/perl`, `/usr/lib/${triplet}/perl5`, `/usr/lib/${triplet}/perl-base`].concat([
        '/usr/share/perl',
        '/usr/share/perl5',
        '/etc/perl',
        '/usr/local/lib/site_perl',
      ]),
  ],
  [
    /^(?:node|nodejs|libnode\.so\.([\d.]+))$/,
    'node',
    ({ triplet }) => [
      `/usr/lib/${triplet}/nodejs`,
      '/usr/lib/nodejs',
      '/usr/share/nodejs',
      '/usr/local/lib/node_modules',
    ],
  ],
  [/^(?:php|php-fpm|libphp)([\d.]*)(?:\.so)?$/, 'php', () => ['/usr/lib/php', '/usr/share/php']],
  [/^(?:java|libjli\.so|libjvm\.so)$/, 'java', ({ above }) => [`${above}/lib`]],
  [
    /^(?:ruby([\d.]*)|libruby-[\d.]+\.so\.[\d.]+)$/,
    'ruby',
    ({ triplet }) => ['/usr/lib/ruby', `/usr/lib/${triplet}/ruby`, '/var/lib/gems', '/usr/share/rubygems-integration'],
  ],
  [/^(?:dash|bash|sh|busybox|zsh|mksh|ksh\d*|fish)$/, 'shell', () => []],
  [/^(?:lua[\d.]*|liblua[\d.]+\.so\.[\d.]+|luajit.*)$/, 'lua', () => ['/usr/lib/lua', '/usr/share/lua']],
  [/^(?:tclsh[\d.]*|libtcl[\d.]+\.so)$/, 'tcl', () => ['/usr/lib/tcltk', '/usr/share/tcltk']],
]

/** The runtime that a program or library is, by its file's name; `undefined` for any other. */
export function runtimeOf(path: string, triplet: string): Runtime | undefined {
  const parts = path.split('/')
  const base = parts.at(-1) ?? ''
  for (const [file, name, folders] of RUNTIMES) {
    const found = file.exec(base)
    if (found === null) continue
    return { name, folders: folders({ version: found[1] ?? '', triplet, above: parts.slice(0, -2).join('/') }) }
  }
  return undefined
}
