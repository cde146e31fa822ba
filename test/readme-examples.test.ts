import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FencedBlock, fencedBlocks } from './readme-blocks.ts'

const root = resolve(import.meta.dirname, '..')

interface Example extends FencedBlock {
  readonly place: string
}

const modules = readdirSync(join(root, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort()
const examples = modules.flatMap((module): Example[] => {
  const file = join('src', module, 'README.md')
  const text = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
  return fencedBlocks(text).map((block) => ({ ...block, place: `${file}:${block.line}` }))
})

/** Below the checkout, where `#core` and its siblings mean what they mean in the sources; git ignores it. */
function exampleFolder(context: TestContext): string {
  mkdirSync(join(root, 'work'), { recursive: true })
  const folder = mkdtempSync(join(root, 'work', 'example-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function run(folder: string, program: string, args: readonly string[]) {
  const path = [join(folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter)
  const env = { ...process.env, PATH: path, XDG_CACHE_HOME: join(folder, 'cache') }
  return spawnSync(program, args, { cwd: folder, encoding: 'utf8', timeout: 120_000, env })
}

function runTypeScript(folder: string, text: string) {
  writeFileSync(join(folder, 'example.ts'), `${text}\n`)
  return run(folder, process.execPath, ['--conditions=source', 'example.ts'])
}

function runShell(folder: string, text: string) {
  const main = join(root, 'src', 'cli', 'main.ts')
  const shim = `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${main}' "$@"\n`
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin', 'casemate'), shim, { mode: 0o755 })
  return run(folder, '/bin/sh', ['-eu', '-c', text])
}

for (const { language, text, place } of examples) {
  test(`the example in ${place} runs`, (context) => {
    const folder = exampleFolder(context)
    assert.ok(language === 'ts' || language === 'sh', `no test runs a block of "${language}"`)
    const { status, stdout, stderr } = language === 'ts' ? runTypeScript(folder, text) : runShell(folder, text)
    assert.equal(status, 0, `${stdout}${stderr}`)
  })
}

test('the examples have the types that they say', (context) => {
  const folder = exampleFolder(context)
  for (const [index, { language, text }] of examples.entries()) {
    if (language === 'ts') writeFileSync(join(folder, `${index}.ts`), `${text}\nexport {}\n`)
  }
  const config = { extends: '../../tsconfig.json', compilerOptions: { rootDir: '../..' }, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { stdout } = run(folder, join(root, 'node_modules', '.bin', 'tsc'), ['-p', '.'])
  const faults = stdout.split('\n').filter((line) => /^\d+\.ts/.test(line))
  const places = examples.map(({ place }, index) => `${index}.ts is ${place}`)
  assert.deepEqual(faults, [], places.join(', '))
})

test('a block that is not closed is an error', () => {
  assert.throws(() => fencedBlocks('```ts\nlet x\n'), /line 1 is not closed/)
  assert.deepEqual(fencedBlocks('a\n```sh\nls\n```\n'), [{ language: 'sh', line: 2, text: 'ls' }])
})
