import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { RegistryServer } from '#oci/registry'
import { dockerRegistry } from '#testkit'

/** Our registry, and one that knows nothing of ours: each gives its address. */
export const REGISTRIES: Readonly<Record<string, (t: TestContext) => Promise<string>>> = {
  'our registry': async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
    const server = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0, onError() {} })
    t.after(async () => {
      await server.close(100)
      rmSync(folder, { recursive: true })
    })
    return server.address
  },
  'docker-registry': dockerRegistry,
}
