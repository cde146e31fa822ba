import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RegistryServer } from '#oci/registry'
import { type Cleanup, dockerRegistry } from '../src/oci/io/fixtures.test.ts'
import { buildSuite, type ConformanceResult, runSuite, SUITE } from '../test/conformance/distribution-spec.ts'

/** Tests that cannot be asked of a registry that is set up for the whole suite, each with why. */
const SKIPS: Readonly<Record<string, string>> = {
  'Pull Setup Get tag name from environment': 'for registries that take no pushes',
  'Content Discovery Setup Populate registry with test tags (no push)': 'for registries that take no pushes',
  'Push Cross-Repository Blob Mount Cross-mounting without from, and automatic content discovery enabled should return a 201':
    'a mount without "from" would search repositories that the client did not name',
  'Push Cross-Repository Blob Mount Cross-mounting of nonexistent blob should yield session id':
    'the suite runs it only where the mount before it was not accepted',
}

/**
 * Runs the OCI distribution-spec's own conformance suite against our registry, and beside it against Debian's
 * docker-registry. Holds when no test fails and every skipped one is among those that are explained here. Needs Go.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const ends: (() => unknown)[] = []
  const cleanup: Cleanup = { after: (end) => ends.unshift(end) }
  const folder = await mkdtemp(join(tmpdir(), 'casemate-conf-'))
  cleanup.after(() => rm(folder, { recursive: true, force: true }))
  try {
    const program = buildSuite(join(folder, 'suite'))
    const server = await RegistryServer.start(join(folder, 'r'), { host: '127.0.0.1', port: 0 })
    cleanup.after(() => server.close(100))
    const own = await runSuite(program, server.address, join(folder, 'own'))
    const peer = await runSuite(program, await dockerRegistry(cleanup), join(folder, 'peer'))
    const isExplained = own.skipped.every((name) => Object.hasOwn(SKIPS, name))
    return {
      holds: own.passed > 0 && own.failed.length === 0 && isExplained,
      lines: [
        `${SUITE.module} ${SUITE.version}, every category`,
        `our registry:            ${counts(own)}`,
        ...own.failed.map((name) => `  FAILED  ${name}`),
        ...own.skipped.map((name) => `  skipped ${name}: ${SKIPS[name] ?? 'NOT EXPLAINED'}`),
        `Debian's docker-registry: ${counts(peer)}`,
        ...peer.failed.map((name) => `  failed  ${name}`),
      ],
    }
  } finally {
    for (const end of ends) await end()
  }
}

function counts({ passed, failed, skipped }: ConformanceResult): string {
  return `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`
}
