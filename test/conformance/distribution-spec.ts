import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The conformance suite of the OCI distribution-spec, a Go module; its tag, its commit and the hash of its content. */
export const SUITE = {
  module: 'github.com/opencontainers/distribution-spec/conformance',
  version: 'v0.0.0-20231101194043-f2182352d4cc',
  sum: 'h1:jL+CgYEEZluGb08ZcLpEyhn389kNMlwrWOHaIqXazq0=',
} as const

/** What the suite found. */
export interface ConformanceResult {
  readonly passed: number
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
}

/** Installs the suite by the Go tool into a folder, checks its hash, and gives its program. Throws when that cannot be done. */
export function buildSuite(folder: string): string {
  const { module, version, sum } = SUITE
  const program = join(folder, 'conformance.test')
  // The module is named by its hash here, so that no other database of hashes is needed.
  const env = { ...process.env, GOFLAGS: '-mod=mod', GONOSUMDB: module, GOWORK: 'off' }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'go.mod'), `module conformance-run\n\ngo 1.21\n\nrequire ${module} ${version}\n`)
  const run = (...args: string[]) =>
    execFileSync('go', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const found: { Sum?: unknown; Dir?: unknown } = JSON.parse(run('mod', 'download', '-json', `${module}@${version}`))
  if (found.Sum !== sum || typeof found.Dir !== 'string') {
    throw new Error(`cannot use ${module} ${version}: its hash is ${String(found.Sum)}, not ${sum}`)
  }
  execFileSync('go', ['test', '-c', '-o', program, '.'], {
    cwd: found.Dir,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return program
}

/** Runs the suite, every category of it, against a registry on this machine. */
export async function runSuite(program: string, address: string, folder: string): Promise<ConformanceResult> {
  mkdirSync(folder, { recursive: true })
  const env = {
    ...process.env,
    OCI_ROOT_URL: `http://${address}`,
    OCI_NAMESPACE: 'conformance/one',
    OCI_CROSSMOUNT_NAMESPACE: 'conformance/two',
    OCI_AUTOMATIC_CROSSMOUNT: '0',
    OCI_TEST_PULL: '1',
    OCI_TEST_PUSH: '1',
    OCI_TEST_CONTENT_DISCOVERY: '1',
    OCI_TEST_CONTENT_MANAGEMENT: '1',
    OCI_DELETE_MANIFEST_BEFORE_BLOBS: '1',
    OCI_REPORT_DIR: folder,
  }
  await once(spawn(program, [], { cwd: folder, env, stdio: 'ignore' }), 'close')
  const report = readFileSync(join(folder, 'junit.xml'), 'utf8')
  const cases = [...report.matchAll(/<testcase name="([^"]*)"[^>]*? status="([a-z]+)"/g)]
    .map(([, name = '', status = '']) => ({
      name: name.replace(/^\[It\] OCI Distribution Conformance Tests /, ''),
      status,
    }))
    .filter(({ name }) => !/^\[(?:Before|After|Synchronized|Report)/.test(name))
  const named = (status: string) => cases.filter((one) => one.status === status).map(({ name }) => name)
  const passed = named('passed').length
  const skipped = named('skipped')
  return {
    passed,
    skipped,
    failed: cases.filter(({ status }) => status !== 'passed' && status !== 'skipped').map(({ name }) => name),
  }
}
