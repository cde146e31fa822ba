/**
 * The scanners that the proofs compare with, at pinned versions: `npm run peers` builds and installs them into the cache
 * folder, once. Wants go, and python3 with venv; modules and packages come from where these are configured to look.
 */
import { access, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { runOrThrow } from './command.ts'

/** Programs of one Go module graph, built together. */
interface GoPeers {
  readonly kind: 'go'
  /** Each at the version that is pinned; what they need is chosen by Go's rule of minimal versions. */
  readonly modules: Readonly<Record<string, string>>
  readonly packages: readonly string[]
  /** A program of our own, below `peers/`, that calls what a module offers without a command. */
  readonly own?: string
  readonly env?: NodeJS.ProcessEnv
}

interface PythonPeer {
  readonly kind: 'python'
  readonly requirement: string
}

const VERSIONS = { gitleaks: '8.30.1', grype: '0.110.0', syft: '1.42.3', trivy: '0.67.2', vunnel: '0.40.0' } as const

/** The folders that they are installed in, below that of peers, tell the version: another pin is another folder. */
const FOLDERS = {
  gitleaks: `gitleaks-${VERSIONS.gitleaks}`,
  grype: `grype-${VERSIONS.grype}-syft-${VERSIONS.syft}`,
  trivy: `trivy-${VERSIONS.trivy}`,
  vunnel: `vunnel-${VERSIONS.vunnel}`,
} as const

/** By folder. */
const PEERS: Readonly<Record<string, GoPeers | PythonPeer>> = {
  [FOLDERS.grype]: {
    kind: 'go',
    modules: { 'github.com/anchore/grype': `v${VERSIONS.grype}`, 'github.com/anchore/syft': `v${VERSIONS.syft}` },
    packages: ['github.com/anchore/grype/cmd/grype', 'github.com/anchore/syft/cmd/syft'],
    own: 'grype-db',
  },
  [FOLDERS.trivy]: {
    kind: 'go',
    modules: {
      'github.com/aquasecurity/trivy': `v${VERSIONS.trivy}`,
      // That which this trivy requires itself.
      'github.com/aquasecurity/trivy-db': 'v0.0.0-20250929072116-eba1ced2340a',
    },
    packages: ['github.com/aquasecurity/trivy/cmd/trivy', 'github.com/aquasecurity/trivy-db/cmd/trivy-db'],
    env: { GOEXPERIMENT: 'jsonv2' },
  },
  [FOLDERS.gitleaks]: {
    kind: 'go',
    modules: { 'github.com/zricethezav/gitleaks/v8': `v${VERSIONS.gitleaks}` },
    packages: ['github.com/zricethezav/gitleaks/v8'],
    own: 'gitleaks-samples',
  },
  [FOLDERS.vunnel]: { kind: 'python', requirement: `vunnel==${VERSIONS.vunnel}` },
}

/** Where each program is, below the folder of peers. */
const PROGRAMS = {
  gitleaks: `${FOLDERS.gitleaks}/bin/gitleaks`,
  /** Ours, which makes samples of secrets from gitleaks' own rules. */
  gitleaksSamples: `${FOLDERS.gitleaks}/bin/gitleaks-samples`,
  grype: `${FOLDERS.grype}/bin/grype`,
  syft: `${FOLDERS.grype}/bin/syft`,
  /** Ours, around grype's builder of databases. */
  grypeDb: `${FOLDERS.grype}/bin/grype-db`,
  trivy: `${FOLDERS.trivy}/bin/trivy`,
  trivyDb: `${FOLDERS.trivy}/bin/trivy-db`,
  /** Python with vunnel, which makes grype's records. */
  vunnelPython: `${FOLDERS.vunnel}/bin/python`,
} as const

/** What a line of a proof about secrets says of it. */
export const GITLEAKS_VERSION = `gitleaks ${VERSIONS.gitleaks}`

/** What a line of a proof says of the others. */
export const PEER_VERSIONS = `syft ${VERSIONS.syft}, grype ${VERSIONS.grype}, trivy ${VERSIONS.trivy}`

const SOURCES = join(import.meta.dirname, 'peers')
/** Debug symbols would double what lies on the disk. */
const LINKER = '-ldflags=-s -w'

/** The path of a program that `npm run peers` has installed. Rejects where it has not. */
export async function peer(name: keyof typeof PROGRAMS): Promise<string> {
  const path = join(peersFolder(), PROGRAMS[name])
  if (await exists(path)) return path
  throw new Error(`cannot run ${PROGRAMS[name]}: it is not installed; run \`npm run peers\` first`)
}

/** Installs what is missing, one after another, because each takes all processors; gives a line for each. */
export async function* installPeers(): AsyncGenerator<string> {
  await mkdir(peersFolder(), { recursive: true })
  for (const [name, peers] of Object.entries(PEERS)) {
    const target = join(peersFolder(), name)
    if (await exists(target)) {
      yield `${name}: is installed`
      continue
    }
    const start = performance.now()
    const scratch = await mkdtemp(join(peersFolder(), 'building-'))
    try {
      await (peers.kind === 'go' ? buildGo(peers, scratch) : installPython(peers, scratch))
      await rename(join(scratch, 'done'), target)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
    yield `${name}: installed in ${((performance.now() - start) / 1000).toFixed(0)} s`
  }
}

/** A module of our own that requires theirs: `go install` asks for a list of versions, which not every proxy gives. */
async function buildGo({ modules, packages, own, env = {} }: GoPeers, scratch: string): Promise<void> {
  const required = Object.entries(modules).map(([module, version]) => `require ${module} ${version}`)
  await writeFile(join(scratch, 'go.mod'), ['module casemate-peers', 'go 1.25.0', ...required, ''].join('\n'))
  const mains = [...packages]
  if (own !== undefined) {
    await mkdir(join(scratch, own))
    await cp(join(SOURCES, `${own}.go`), join(scratch, own, 'main.go'))
    mains.push(`./${own}`)
  }
  const bin = join(scratch, 'done/bin')
  await mkdir(bin, { recursive: true })
  const build = ['go', 'build', '-mod=mod', LINKER, '-o', `${bin}/`, ...mains]
  await runOrThrow(['nice', ...build], { cwd: scratch, env })
}

async function installPython({ requirement }: PythonPeer, scratch: string): Promise<void> {
  const target = join(scratch, 'done')
  await runOrThrow(['python3', '-m', 'venv', target])
  // By its module: the path in the first line of an installed script is that of the folder before it was renamed.
  const pip = [join(target, 'bin/python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  await runOrThrow([...pip, requirement])
}

function peersFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'casemate-peers')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

if (import.meta.main) {
  for await (const line of installPeers()) console.log(line)
}
