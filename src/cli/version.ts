import { readFileSync } from 'node:fs'
import { packageFile } from '#core'

let known: string | undefined

/** The version in Casemate's own package.json. It is read once. */
export function packageVersion(): string {
  known ??= readVersion()
  return known
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return hasVersion ? String(manifest.version) : 'unknown'
}
