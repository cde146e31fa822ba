import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { compileXzModule, type XzModule } from '../compression/xz-module.ts'

/**
 * Loads the xz decoder: the WebAssembly file that stands as a data URL in the package `xz-decompress`, whose own
 * interface is asynchronous and lets one stream at a time through. Throws a `TypeError` when it is not in there.
 */
export function loadXzModule(): XzModule {
  const path = createRequire(import.meta.url).resolve('xz-decompress')
  const base64 = /"data:application\/wasm;base64,([A-Za-z0-9+/=]+)"/.exec(readFileSync(path, 'latin1'))?.[1]
  if (base64 === undefined) throw new TypeError(`cannot load the xz decoder: ${path} does not hold it`)
  return compileXzModule(Buffer.from(base64, 'base64'))
}
