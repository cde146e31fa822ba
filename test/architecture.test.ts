import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

/** The map's ladder: a module imports strictly lower rows only. `testkit` stands outside it and serves tests only. */
const rows: Readonly<Record<string, number>> = {
  core: 0,
  debian: 1,
  oci: 1,
  sbom: 1,
  attest: 1,
  vex: 1,
  secrets: 1,
  solver: 2,
  advisory: 2,
  evidence: 2,
  elf: 2,
  bases: 2,
  dockerfile: 3,
  image: 3,
  sandbox: 3,
  match: 3,
  policy: 4,
  patch: 4,
  reach: 4,
  rebase: 4,
  factory: 5,
  store: 6,
  integrations: 6,
  server: 7,
  cli: 8,
}

/** What an effect needs: only `io/` folders and the top rows may import these. */
const effectful =
  /^node:(fs|fs\/promises|net|tls|http|https|http2|dns|dgram|child_process|cluster|worker_threads|readline|os)$|^undici$/
const effectfulGlobals =
  /\b(process\.(env|cwd|stdout|stderr|stdin|exit|kill|argv)|Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|performance\.now|fetch\()/

const root = resolve(import.meta.dirname, '..')
const source = join(root, 'src')

interface Import {
  readonly specifier: string
  /** The file it leads to, for relative and `#module` imports. */
  readonly target: string | undefined
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(source, name))
const isTest = (file: string) => file.endsWith('.test.ts') || moduleOf(file) === 'testkit'

function moduleOf(file: string): string {
  return relative(source, file).split('/')[0] ?? ''
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^(?:import|export)\b[^'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)/gm)].map((match) => {
    const specifier = match[1] ?? match[2] ?? ''
    if (specifier.startsWith('.')) return { specifier, target: resolve(dirname(file), specifier) }
    if (specifier.startsWith('#')) return { specifier, target: join(source, specifier.slice(1), 'index.ts') }
    return { specifier, target: undefined }
  })
}

/** The shortest chain of imports from a file to one that breaks the rule, as text; `undefined` when there is none. */
function chainTo(start: string, breaks: (file: string, found: Import) => boolean): string | undefined {
  const queue: string[][] = [[start]]
  const seen = new Set([start])
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const file = path.at(-1) ?? start
    for (const found of importsOf(file)) {
      if (breaks(file, found)) return [...path.map((name) => relative(root, name)), found.specifier].join(' → ')
      if (found.target !== undefined && moduleOf(found.target) === moduleOf(start) && !seen.has(found.target)) {
        seen.add(found.target)
        queue.push([...path, found.target])
      }
    }
  }
  return undefined
}

test('every folder of src stands on the map', () => {
  const folders = new Set(files.map(moduleOf))
  for (const folder of folders) assert.ok(folder === 'testkit' || folder in rows, `src/${folder} is not on the map`)
})

test('imports point down the map, through index.ts only', () => {
  const row = (file: string) => rows[moduleOf(file)] ?? 99
  for (const file of files.filter((name) => !isTest(name))) {
    const chain = chainTo(file, (from, { target }) => {
      if (target === undefined || moduleOf(target) === moduleOf(from)) return false
      return moduleOf(target) === 'testkit' || row(target) >= row(from) || !target.endsWith('/index.ts')
    })
    assert.equal(chain, undefined, `an import points up or past an index: ${chain}`)
  }
})

test('a module meets another by its # name, not by a path', () => {
  for (const file of files) {
    for (const { specifier, target } of importsOf(file)) {
      if (target === undefined || moduleOf(target) === moduleOf(file)) continue
      assert.ok(specifier.startsWith('#'), `${relative(root, file)} imports ${specifier}`)
    }
  }
})

const mayHaveEffects = (file: string) => isTest(file) || file.includes('/io/') || (rows[moduleOf(file)] ?? 0) >= 6

test('files, network, processes and threads are touched in io/ and the top rows only', () => {
  for (const file of files.filter((name) => !mayHaveEffects(name))) {
    for (const { specifier } of importsOf(file)) {
      assert.doesNotMatch(specifier, effectful, `${relative(root, file)} → ${specifier}`)
    }
  }
})

test('environment, clock and randomness are touched in io/ and the top rows only', () => {
  for (const file of files.filter((name) => !mayHaveEffects(name))) {
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    assert.doesNotMatch(code, effectfulGlobals, relative(root, file))
  }
})

test('nothing below src imports the tests’ own kit but tests', () => {
  for (const file of files.filter((name) => !isTest(name))) {
    for (const { specifier } of importsOf(file)) assert.notEqual(specifier, '#testkit', relative(root, file))
  }
})

test('every program that a thread or a process is started with is built into the package', () => {
  const built = readFileSync(join(root, 'scripts/build.ts'), 'utf8')
  for (const file of files) {
    for (const [, program] of readFileSync(file, 'utf8').matchAll(/\bprogramFile\('([^']+)'\)/g)) {
      assert.ok(
        built.includes(`'${program}'`),
        `${relative(root, file)} starts ${program}, which scripts/build.ts leaves out`,
      )
    }
  }
})
