import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { parseRequest, solve } from '#solver'
import { type HandmadePackage, pkg, universeOf } from '#testkit'

/** A universe, what is asked of it, and what makes it tricky. */
interface Case {
  readonly because: string
  readonly packages: readonly HandmadePackage[]
  readonly ask: readonly string[]
  readonly foreign?: readonly string[]
  readonly recommends?: boolean
}

const CASES: readonly Case[] = [
  {
    because: 'the first alternative is taken',
    packages: [pkg('app', '1', { depends: 'bb | aa' }), pkg('aa', '1'), pkg('bb', '1')],
    ask: ['app'],
  },
  {
    because: 'an alternative that nothing offers is passed over',
    packages: [pkg('app', '1', { depends: 'gone | aa' }), pkg('aa', '1')],
    ask: ['app'],
  },
  {
    because: 'an alternative that is asked for as well is left to meet the need',
    packages: [pkg('app', '1', { depends: 'bb | aa' }), pkg('aa', '1'), pkg('bb', '1')],
    ask: ['app', 'aa'],
  },
  {
    because: 'a need met by an earlier field is left alone',
    packages: [pkg('app', '1', { depends: 'aa, bb | aa' }), pkg('aa', '1'), pkg('bb', '1')],
    ask: ['app'],
  },
  {
    because: 'a later field does not change what an earlier one took',
    packages: [pkg('app', '1', { depends: 'bb | aa, aa' }), pkg('aa', '1'), pkg('bb', '1')],
    ask: ['app'],
  },
  {
    because: 'Pre-Depends come before Depends',
    packages: [pkg('app', '1', { depends: 'bb | aa', preDepends: 'aa' }), pkg('aa', '1'), pkg('bb', '1')],
    ask: ['app'],
  },
  {
    because: 'depth comes before breadth',
    packages: [
      pkg('app', '1', { depends: 'first, bb | aa' }),
      pkg('first', '1', { depends: 'second' }),
      pkg('second', '1', { depends: 'aa' }),
      pkg('aa', '1'),
      pkg('bb', '1'),
    ],
    ask: ['app'],
  },
  {
    because: 'the real package comes before those that provide its name',
    packages: [pkg('app', '1', { depends: 'mta' }), pkg('exim', '1', { provides: 'mta' }), pkg('mta', '1')],
    ask: ['app'],
  },
  {
    because: 'a virtual name has one provider',
    packages: [pkg('app', '1', { depends: 'mta' }), pkg('exim', '1', { provides: 'mta' })],
    ask: ['app'],
  },
  {
    because: 'among providers the higher priority wins',
    packages: [
      pkg('app', '1', { depends: 'awk' }),
      pkg('mawk', '1', { provides: 'awk', priority: 'required' }),
      pkg('zawk', '1', { provides: 'awk' }),
    ],
    ask: ['app'],
  },
  {
    because: 'among providers the essential one wins',
    packages: [
      pkg('app', '1', { depends: 'sh' }),
      pkg('dash', '1', { provides: 'sh', essential: true }),
      pkg('zsh', '1', { provides: 'sh' }),
    ],
    ask: ['app'],
  },
  {
    because: 'among equal providers the name that the index mentions last wins',
    packages: [
      pkg('app', '1', { depends: 'mta' }),
      pkg('exim', '1', { provides: 'mta' }),
      pkg('postfix', '1', { provides: 'mta' }),
      pkg('nullmailer', '1', { provides: 'mta' }),
    ],
    ask: ['app'],
  },
  {
    because: 'an index is sorted by source, so the source decides before the name',
    packages: [
      pkg('app', '1', { depends: 'mta' }),
      pkg('exim', '1', { provides: 'mta', source: 'zebra' }),
      pkg('postfix', '1', { provides: 'mta' }),
    ],
    ask: ['app'],
  },
  {
    because: 'an unversioned provision does not meet a versioned need',
    packages: [pkg('app', '1', { depends: 'mta (>= 1) | aa' }), pkg('exim', '5', { provides: 'mta' }), pkg('aa', '1')],
    ask: ['app'],
  },
  {
    because: 'a versioned provision meets a versioned need',
    packages: [pkg('app', '1', { depends: 'api (= 2)' }), pkg('impl', '7', { provides: 'api (= 2)' })],
    ask: ['app'],
  },
  {
    because: 'a provision in the wrong version leaves a need unmet',
    packages: [pkg('app', '1', { depends: 'api (>= 3)' }), pkg('impl', '7', { provides: 'api (= 2)' })],
    ask: ['app'],
  },
  {
    because: 'a package may provide its own name in another version',
    packages: [pkg('app', '1', { depends: 'lib (= 9)' }), pkg('lib', '1', { provides: 'lib (= 9)' })],
    ask: ['app'],
  },
  {
    because: 'the candidate is too old and there is another alternative',
    packages: [pkg('app', '1', { depends: 'lib (>= 3) | aa' }), pkg('lib', '2'), pkg('aa', '1')],
    ask: ['app'],
  },
  {
    because: 'a version that is no candidate is not taken before another alternative',
    packages: [pkg('app', '1', { depends: 'lib (<< 2) | aa' }), pkg('lib', '2'), pkg('lib', '1'), pkg('aa', '1')],
    ask: ['app'],
  },
  {
    because: 'an alternative in conflict with what is there is passed over',
    packages: [
      pkg('app', '1', { depends: 'aa, bb | cc' }),
      pkg('aa', '1', { conflicts: 'bb' }),
      pkg('bb', '1'),
      pkg('cc', '1'),
    ],
    ask: ['app'],
  },
  {
    because: 'an alternative that conflicts with what is there is passed over',
    packages: [
      pkg('app', '1', { depends: 'aa, bb | cc' }),
      pkg('aa', '1'),
      pkg('bb', '1', { conflicts: 'aa' }),
      pkg('cc', '1'),
    ],
    ask: ['app'],
  },
  {
    because: 'an alternative whose own needs nothing meets is passed over',
    packages: [pkg('app', '1', { depends: 'bb | cc' }), pkg('bb', '1', { depends: 'gone' }), pkg('cc', '1')],
    ask: ['app'],
  },
  {
    because: 'a dead end two steps down is backed out of',
    packages: [
      pkg('app', '1', { depends: 'bb | cc' }),
      pkg('bb', '1', { depends: 'dd' }),
      pkg('dd', '1', { depends: 'gone' }),
      pkg('cc', '1'),
    ],
    ask: ['app'],
  },
  {
    because: 'two things asked for conflict',
    packages: [pkg('aa', '1', { conflicts: 'bb' }), pkg('bb', '1')],
    ask: ['aa', 'bb'],
  },
  {
    because: 'Breaks of an older version do not speak of the candidate',
    packages: [pkg('app', '1', { depends: 'aa, bb' }), pkg('aa', '1', { breaks: 'bb (<< 2)' }), pkg('bb', '2')],
    ask: ['app'],
  },
  {
    because: 'Breaks of the candidate leave no answer',
    packages: [pkg('app', '1', { depends: 'aa, bb' }), pkg('aa', '1', { breaks: 'bb (<< 3)' }), pkg('bb', '2')],
    ask: ['app'],
  },
  {
    because: 'a package provides and conflicts with one name: itself is not meant',
    packages: [pkg('exim', '1', { provides: 'mta', conflicts: 'mta' })],
    ask: ['exim'],
  },
  {
    because: 'two packages that provide and conflict with one name exclude each other',
    packages: [
      pkg('app', '1', { depends: 'exim, postfix | aa' }),
      pkg('exim', '1', { provides: 'mta', conflicts: 'mta' }),
      pkg('postfix', '1', { provides: 'mta', conflicts: 'mta' }),
      pkg('aa', '1'),
    ],
    ask: ['app'],
  },
  {
    because: 'a conflict in a version does not speak of an unversioned provision',
    packages: [
      pkg('app', '1', { depends: 'aa, exim' }),
      pkg('aa', '1', { conflicts: 'mta (<< 5)' }),
      pkg('exim', '1', { provides: 'mta' }),
    ],
    ask: ['app'],
  },
  {
    because: 'a cycle of needs ends',
    packages: [pkg('aa', '1', { depends: 'bb' }), pkg('bb', '1', { depends: 'cc' }), pkg('cc', '1', { depends: 'aa' })],
    ask: ['aa'],
  },
  {
    because: 'a package may need itself',
    packages: [pkg('aa', '1', { depends: 'aa (= 1)' })],
    ask: ['aa'],
  },
  {
    because: 'name=version takes a version that is no candidate, and its needs',
    packages: [
      pkg('app', '2', { depends: 'new' }),
      pkg('app', '1', { depends: 'old' }),
      pkg('new', '1'),
      pkg('old', '1'),
    ],
    ask: ['app=1'],
  },
  {
    because: 'a version asked for is the candidate for others too',
    packages: [pkg('app', '1', { depends: 'lib (<< 2) | aa' }), pkg('lib', '2'), pkg('lib', '1'), pkg('aa', '1')],
    ask: ['app', 'lib=1'],
  },
  {
    because: 'name/suite takes the version of that suite',
    packages: [pkg('app', '2', { suite: 'new' }), pkg('app', '1', { suite: 'old', depends: 'aa' }), pkg('aa', '1')],
    ask: ['app/old'],
  },
  {
    because: 'several suites: the highest version is the candidate',
    packages: [pkg('app', '1', { suite: 'aaa' }), pkg('app', '3', { suite: 'bbb' }), pkg('app', '2', { suite: 'ccc' })],
    ask: ['app'],
  },
  {
    because: 'a name with one provider stands for it',
    packages: [pkg('exim', '1', { provides: 'mta' })],
    ask: ['mta'],
  },
  {
    because: 'a name with two providers has to be chosen by hand',
    packages: [pkg('exim', '1', { provides: 'mta' }), pkg('postfix', '1', { provides: 'mta' })],
    ask: ['mta'],
  },
  {
    because: 'a name that nothing bears',
    packages: [pkg('aa', '1')],
    ask: ['zz'],
  },
  {
    because: 'Recommends are followed where asked for, after Depends',
    packages: [
      pkg('app', '1', { recommends: 'bb | aa, gone', depends: 'cc' }),
      pkg('cc', '1', { depends: 'aa' }),
      pkg('aa', '1'),
      pkg('bb', '1'),
    ],
    ask: ['app'],
    recommends: true,
  },
  {
    because: ':any is met by Multi-Arch: allowed',
    packages: [pkg('app', '1', { depends: 'python:any' }), pkg('python', '3', { multiArch: 'allowed' })],
    ask: ['app'],
  },
  {
    because: ':any is not met by a package without Multi-Arch',
    packages: [pkg('app', '1', { depends: 'python:any | aa' }), pkg('python', '3'), pkg('aa', '1')],
    ask: ['app'],
  },
  {
    because: 'a foreign package brings its own architecture of a library',
    packages: [
      pkg('app', '1', { architecture: 'arm64', depends: 'lib' }),
      pkg('lib', '1', { architecture: 'arm64', multiArch: 'same' }),
      pkg('lib', '1', { multiArch: 'same' }),
    ],
    ask: ['app:arm64', 'lib'],
    foreign: ['arm64'],
  },
  {
    because: 'Multi-Arch: same in two versions cannot stand together',
    packages: [
      pkg('app', '1', { architecture: 'arm64', depends: 'lib' }),
      pkg('lib', '1', { architecture: 'arm64', multiArch: 'same' }),
      pkg('lib', '2', { multiArch: 'same' }),
    ],
    ask: ['app:arm64', 'lib'],
    foreign: ['arm64'],
  },
  {
    because: 'Multi-Arch: foreign meets a need of another architecture, the native one first',
    packages: [
      pkg('app', '1', { architecture: 'arm64', depends: 'tool' }),
      pkg('tool', '1', { architecture: 'arm64', multiArch: 'foreign' }),
      pkg('tool', '1', { multiArch: 'foreign' }),
    ],
    ask: ['app:arm64'],
    foreign: ['arm64'],
  },
  {
    because: 'a tool that is not Multi-Arch: foreign does not meet a need of another architecture',
    packages: [
      pkg('app', '1', { architecture: 'arm64', depends: 'tool | aa' }),
      pkg('tool', '1'),
      pkg('aa', '1', { architecture: 'all', multiArch: 'foreign' }),
    ],
    ask: ['app:arm64'],
    foreign: ['arm64'],
  },
  {
    because: 'a need may name an architecture',
    packages: [pkg('app', '1', { depends: 'lib:arm64' }), pkg('lib', '1', { architecture: 'arm64' }), pkg('lib', '1')],
    ask: ['app'],
    foreign: ['arm64'],
  },
  {
    because: 'a conflict speaks of every architecture',
    packages: [
      pkg('app', '1', { depends: 'aa, bb:arm64 | cc' }),
      pkg('aa', '1', { conflicts: 'bb' }),
      pkg('bb', '1', { architecture: 'arm64' }),
      pkg('cc', '1'),
    ],
    ask: ['app'],
    foreign: ['arm64'],
  },
]

describe('the solver against apt-get -s install', { concurrency: 2 }, () => {
  let root = ''
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'casemate-apt-'))
  })
  after(() => rm(root, { recursive: true, force: true }))
  CASES.forEach((one, index) => {
    test(one.because, async () => {
      assert.deepEqual(solveCase(one), await askApt(join(root, String(index)), one))
    })
  })
})

const NO_ANSWER = 'no answer'

function solveCase(one: Case): string[] | typeof NO_ANSWER {
  const universe = universeOf(one.packages, { foreignArchitectures: one.foreign ?? [] })
  const solution = solve(universe, one.ask.map(parseRequest), { recommends: one.recommends ?? false })
  if (solution.kind === 'impossible') return NO_ANSWER
  return solution.selection.packages.map((it) => `${it.name}=${it.version} ${it.architecture}`).sort()
}

const run = promisify(execFile)

/** Asks the machine's apt, with folders and configuration of its own, about an unsigned local repository. */
async function askApt(root: string, one: Case): Promise<string[] | typeof NO_ANSWER> {
  const suites = [...new Set(one.packages.map(({ suite }) => suite))]
  for (const folder of ['lists/partial', 'cache/archives/partial', 'etc', 'state']) {
    await mkdir(join(root, folder), { recursive: true })
  }
  for (const suite of suites) await writeRepository(join(root, suite), suite, one)
  await writeFile(join(root, 'status'), '')
  await writeFile(
    join(root, 'sources.list'),
    suites.map((suite) => `deb [trusted=yes] file:${root}/${suite} ./\n`).join(''),
  )
  await writeFile(join(root, 'apt.conf'), configuration(root, one))
  const env = { PATH: process.env['PATH'], APT_CONFIG: join(root, 'apt.conf'), LC_ALL: 'C' }
  await run('apt-get', ['-qq', 'update'], { env })
  try {
    const { stdout } = await run('apt-get', ['-qq', '-s', 'install', ...one.ask], { env })
    const lines = [...stdout.matchAll(/^Inst ([^\s:]+)\S* \((\S+) .*\[([^\]]+)\]\)/gm)]
    return lines.map(([, name, version, architecture]) => `${name}=${version} ${architecture}`).sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 100) return NO_ANSWER
    throw error
  }
}

async function writeRepository(folder: string, suite: string, one: Case): Promise<void> {
  await mkdir(folder)
  const listed = one.packages.filter((it) => it.suite === suite)
  const index = listed
    .sort((left, right) => (left.sortKey < right.sortKey ? -1 : 1))
    .map(({ stanza }) => stanza)
    .join('\n')
  const sha256 = createHash('sha256').update(index).digest('hex')
  const architectures = ['amd64', ...(one.foreign ?? [])].join(' ')
  const release = [
    'Origin: test',
    `Suite: ${suite}`,
    `Codename: ${suite}`,
    'Date: Sat, 21 Nov 2026 00:00:00 UTC',
    `Architectures: ${architectures}`,
    'SHA256:',
    ` ${sha256} ${Buffer.byteLength(index)} Packages`,
  ]
  await writeFile(join(folder, 'Packages'), index)
  await writeFile(join(folder, 'Release'), `${release.join('\n')}\n`)
}

function configuration(root: string, one: Case): string {
  const architectures = ['amd64', ...(one.foreign ?? [])].map((name) => `"${name}";`).join(' ')
  return `
Dir "${root}";
Dir::Etc "${root}/etc";
Dir::Etc::sourcelist "${root}/sources.list";
Dir::State "${root}/state";
Dir::State::lists "${root}/lists";
Dir::State::status "${root}/status";
Dir::Cache "${root}/cache";
Dir::Log "${root}";
APT::Architecture "amd64";
APT::Architectures { ${architectures} };
APT::Install-Recommends "${one.recommends === true}";
APT::Sandbox::User "root";
APT::Solver "internal";
Acquire::Languages "none";
Acquire::Check-Date "false";
`
}
