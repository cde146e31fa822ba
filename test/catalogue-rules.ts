import type { EffectiveDefinition, RuleException, Tree, TreeEntry } from '#image'

/** What a rule is asked about: a definition's variant and, once it is built, the files of the image. */
export interface RuledImage {
  readonly definition: EffectiveDefinition
  readonly tree?: Tree
  /** Where the image departs from the rules, as its about file says. */
  readonly exceptions: readonly RuleException[]
}

interface Rule {
  readonly name: string
  /** `runtime`: the one variant that production runs. */
  readonly variants: 'runtime' | 'dev' | 'all'
  /** What breaks the rule, a line each. */
  faults(image: RuledImage): readonly string[]
}

/**
 * The packages with `Essential: yes` in Debian 13 or 12, which nothing depends on and every maintainer script relies on;
 * proof/contents.ts holds the list against the archives.
 */
export const ESSENTIAL: readonly string[] = [
  ...'base-files base-passwd bash bsdutils coreutils dash debianutils diffutils dpkg findutils grep gzip'.split(' '),
  ...'hostname init-system-helpers libc-bin login ncurses-base ncurses-bin perl-base sed sysvinit-utils'.split(' '),
  ...'tar util-linux'.split(' '),
]

const SHELLS = new Set('sh ash bash busybox csh dash fish ksh mksh rbash tcsh toybox zsh'.split(' '))
const PACKAGE_MANAGERS = new Set(
  'apk apt apt-get aptitude cargo dnf dpkg dpkg-deb gem npm pip pip3 pip3.13 rpm yum'.split(' '),
)
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const ENVIRONMENT: Readonly<Record<string, string>> = {
  LANG: 'C.UTF-8',
  PATH,
  SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
}

/** The rules that every image of the catalogue keeps. */
export const rules: readonly Rule[] = [
  { name: 'no shell', variants: 'runtime', faults: ({ tree }) => programs(tree, SHELLS) },
  { name: 'no package manager', variants: 'runtime', faults: ({ tree }) => programs(tree, PACKAGE_MANAGERS) },
  {
    name: 'no set-id file',
    variants: 'all',
    faults: ({ tree }) => paths(tree, ({ type, mode }) => type !== 'directory' && (mode & 0o6000) !== 0),
  },
  {
    name: 'nothing world-writable',
    variants: 'all',
    faults: ({ tree }) =>
      paths(tree, ({ type, mode }) => {
        const sticky = type === 'directory' && (mode & 0o1000) !== 0
        return type !== 'symlink' && (mode & 0o002) !== 0 && !sticky
      }),
  },
  {
    name: 'the user is nonroot',
    variants: 'runtime',
    faults: ({ definition }) => unlessEqual(definition.contract.runAs, 'nonroot'),
  },
  {
    name: 'the user of dev is root',
    variants: 'dev',
    faults: ({ definition }) => unlessEqual(definition.contract.runAs, 'root'),
  },
  { name: 'the environment', variants: 'all', faults: ({ definition }) => environmentFaults(definition) },
  {
    name: 'the working directory',
    variants: 'runtime',
    faults: ({ definition }) => unlessEqual(definition.contract.workDir, '/home/nonroot'),
  },
  {
    name: 'the working directory of dev',
    variants: 'dev',
    faults: ({ definition }) => unlessEqual(definition.contract.workDir, '/'),
  },
  {
    name: 'what is written to',
    variants: 'all',
    faults: ({ definition }) => unlessEqual(definition.contract.writable.join(' '), '/tmp'),
  },
  {
    name: 'ports',
    variants: 'all',
    faults: ({ definition }) => definition.contract.ports.filter((port) => Number.parseInt(port, 10) < 1024),
  },
  {
    name: 'the signal',
    variants: 'all',
    faults: ({ definition }) => unlessEqual(definition.contract.stopSignal, 'SIGTERM'),
  },
  {
    name: 'dev starts bash',
    variants: 'dev',
    faults: ({ definition }) => unlessEqual([...definition.entrypoint, ...definition.cmd].join(' '), '/bin/bash'),
  },
  { name: 'labels', variants: 'all', faults: ({ definition }) => labelFaults(definition) },
  { name: 'tests', variants: 'all', faults: ({ definition }) => (definition.tests.length > 0 ? [] : ['no test']) },
  { name: 'paths', variants: 'all', faults: pathFaults },
]

/** What a rule found in an image, exceptions taken out, a line each; and the exceptions that were needed. */
export function judgeImage(image: RuledImage): {
  readonly faults: readonly string[]
  readonly excepted: readonly string[]
} {
  const { image: name, variant } = image.definition
  const faults: string[] = []
  const excepted = new Set<string>()
  for (const rule of rules) {
    const isFor = rule.variants === 'all' || rule.variants === variant
    for (const fault of isFor ? rule.faults(image) : []) {
      const exception = image.exceptions.find((one) => one.rule === rule.name && new RegExp(one.fault).test(fault))
      if (exception === undefined) faults.push(`${name} ${variant}: ${rule.name}: ${fault}`)
      else excepted.add(exceptionKey(name, exception))
    }
  }
  return { faults, excepted: [...excepted] }
}

/** An exception as one line, so that one which is not needed any more can be told. */
export function exceptionKey(image: string, { rule, why }: RuleException): string {
  return `${image}: ${rule}: ${why}`
}

function programs(tree: Tree | undefined, names: ReadonlySet<string>): readonly string[] {
  return paths(tree, ({ path, type, mode }) => {
    const runs = type === 'symlink' || (type !== 'directory' && (mode & 0o111) !== 0)
    return runs && names.has(path.slice(path.lastIndexOf('/') + 1))
  })
}

function paths(tree: Tree | undefined, breaks: (entry: TreeEntry) => boolean): readonly string[] {
  return [...(tree?.entries() ?? [])]
    .filter(breaks)
    .map(({ path, mode }) => `${path} ${mode.toString(8).padStart(4, '0')}`)
}

function unlessEqual(found: string, want: string): readonly string[] {
  return found === want ? [] : [found]
}

/** The tools of debug stand in a folder of their own, behind all others. */
function environmentFaults({ environment: whole, variant }: EffectiveDefinition): readonly string[] {
  const path = whole['PATH']
  const environment = variant === 'debug' ? { ...whole, PATH: path?.replace(/:\/busybox$/, '') ?? '' } : whole
  const missing = Object.keys(ENVIRONMENT).filter((name) => environment[name] === undefined)
  const others = Object.entries(environment).flatMap(([name, value]) => {
    if (ENVIRONMENT[name] === undefined) return [`${name} is set to "${value}"`]
    return ENVIRONMENT[name] === value ? [] : [`${name} is "${value}"`]
  })
  return [...missing.map((name) => `${name} is not set`), ...others]
}

/** A title and a description for people, tags of which the first is a version, and the end of security support. */
function labelFaults({ title, description, tags, lifecycle }: EffectiveDefinition): readonly string[] {
  return [
    ...(/^[A-Za-z]/.test(title) ? [] : ['no title']),
    ...(description.length >= 20 ? [] : ['no description']),
    ...(tags[0]?.startsWith('{') ? [] : ['the first tag is no version']),
    ...(lifecycle.archiveEnd === undefined ? ["no end of the archive's support"] : []),
  ]
}

/** What stands where in every image, whatever its packages. */
function pathFaults({ definition, tree }: RuledImage): readonly string[] {
  if (tree === undefined) return []
  const want: readonly (readonly [path: string, what: string])[] = [
    ['/bin', 'symlink 0777 0:0'],
    ['/lib', 'symlink 0777 0:0'],
    ['/sbin', 'symlink 0777 0:0'],
    ['/tmp', 'directory 1777 0:0'],
    ['/var/tmp', 'directory 1777 0:0'],
    ['/run', 'directory 0755 0:0'],
    ['/var/run', 'symlink 0777 0:0'],
    ['/home/nonroot', 'directory 0755 65532:65532'],
    ['/etc/passwd', 'file 0644 0:0'],
    ['/etc/group', 'file 0644 0:0'],
    ['/etc/nsswitch.conf', 'file 0644 0:0'],
    ['/etc/ssl/certs/ca-certificates.crt', 'file 0644 0:0'],
    ['/usr/share/casemate/contract.json', 'file 0644 0:0'],
  ]
  const { entrypoint, cmd, contract } = definition
  const [program] = [...entrypoint, ...cmd]
  const reached = [contract.workDir, ...contract.writable, ...(program === undefined ? [] : [program])]
  return [
    ...want.flatMap(([path, what]) => {
      const found = describe(tree.get(path))
      return found === what ? [] : [`${path} is ${found}, want ${what}`]
    }),
    ...reached.filter((path) => tree.resolve(path) === undefined).map((path) => `${path} leads nowhere`),
  ]
}

function describe(entry: TreeEntry | undefined): string {
  if (entry === undefined) return 'missing'
  return `${entry.type} ${entry.mode.toString(8).padStart(4, '0')} ${entry.uid}:${entry.gid}`
}
