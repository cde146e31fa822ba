/**
 * A registry to be killed: serves a folder, collects garbage with next to no grace all the time, and makes checkpoints:
 * `node --conditions=source proof/parts/registry-process.ts FOLDER`. Prints its address.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { collectGarbage } from '../../src/oci/io/registry/collect.ts'
import { RegistryServer } from '../../src/oci/io/registry/registry-server.ts'

const server = await RegistryServer.start(process.argv[2] ?? '', { host: '127.0.0.1', port: 0, onError: console.error })
console.log(server.address)
for (;;) {
  await pause(randomInt(5, 100))
  await collectGarbage(server.store, { grace: 60, untagged: true })
  if (randomInt(4) === 0) await server.store.checkpoint()
}
