/**
 * Checks that the generated documents are up to date and that the tree keeps the house rules; with `--write` makes the
 * documents anew first.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { generatedDocs } from './generated-docs.ts'
import { houseFaults, readTree } from './house-rules.ts'

const root = resolve(import.meta.dirname, '..')

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const stale = (await generatedDocs(root)).filter(({ path, text }) => readIfThere(join(root, path)) !== text)
if (process.argv.includes('--write')) {
  for (const { path, text } of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.log(`wrote ${path}`)
  }
  stale.length = 0
}
const faults = [...stale.map(({ path }) => `${path} is out of date: run npm run docs`), ...houseFaults(readTree(root))]
for (const fault of faults) console.error(fault)
if (faults.length === 0) console.log('documents are up to date, the tree keeps the house rules')
process.exitCode = faults.length === 0 ? 0 : 1
