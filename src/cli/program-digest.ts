import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Digest, digestOf, packageFile, programFile } from '#core'

let known: Digest | undefined

/**
 * A digest over the program itself: of a line for each of its files, as `sha256sum` writes it, in the order of paths. It is
 * the same wherever the same package is installed. It is the program that runs, so it is read once.
 */
export function programDigest(): Digest {
  known ??= readProgram()
  return known
}

function readProgram(): Digest {
  const root = fileURLToPath(packageFile('.'))
  const folder = /\/(src|dist)\//.exec(programFile('cli/main').pathname)?.[1] ?? 'dist'
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
  const lines = ['package.json', ...files].sort().map((path) => {
    return `${digestOf(readFileSync(join(root, path))).slice('sha256:'.length)}  ${path}\n`
  })
  return digestOf(Buffer.from(lines.join('')))
}
