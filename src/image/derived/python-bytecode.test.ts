import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { testTree } from '#testkit'
import { pythonBytecode } from './python-bytecode.ts'

const context = { architecture: 'amd64', locales: [] }
const sources = {
  '/usr/lib/python3.13/os.py': 'import sys\ndef where(): return where.__code__.co_filename\n',
  '/usr/lib/python3.13/json/decoder.py': 'kinds = frozenset({"a", "b", "c"})\nx = "\\d"\n',
  '/usr/lib/python3.13/template.py': 'print "of Python 2"\n',
  '/usr/lib/python3/dist-packages/bad.py': 'nul = "\0"\n',
}
const { tree } = testTree({
  ...sources,
  '/usr/bin/python3.13': 'program',
  '/usr/bin/python3': { link: 'python3.13' },
  '/usr/bin/python3-config': 'script',
  '/usr/lib/python3.13/site.pyc': 'no source',
  '/usr/lib/python3.13/linked.py': { link: '/etc/linked.py' },
  '/usr/lib/python3.13/dangling.py': { link: '/nowhere.py' },
  '/usr/lib/python3.12/old.py': 'of an interpreter that is not there',
  '/usr/share/doc/example.py': 'no library',
  '/etc/linked.py': '',
})

test('each interpreter compiles the sources of its version and those of all versions', () => {
  const steps = pythonBytecode.steps({ ...context, tree })
  assert.deepEqual(
    steps.map(({ program, inputs }) => [program, inputs.map(({ path, source }) => [path, source])]),
    [
      [
        '/usr/bin/python3.13',
        [
          ['/usr/lib/python3.13/json/decoder.py', '/usr/lib/python3.13/json/decoder.py'],
          ['/usr/lib/python3.13/linked.py', '/etc/linked.py'],
          ['/usr/lib/python3.13/os.py', '/usr/lib/python3.13/os.py'],
          ['/usr/lib/python3.13/template.py', '/usr/lib/python3.13/template.py'],
          ['/usr/lib/python3/dist-packages/bad.py', '/usr/lib/python3/dist-packages/bad.py'],
        ],
      ],
    ],
  )
})

test('an image without an interpreter is refused', () => {
  assert.throws(() => pythonBytecode.steps({ ...context, tree: testTree({ '/usr/lib/python3/a.py': '' }).tree }), {
    code: 'EFFECT_INVALID',
  })
})

/** Runs the command with the host's interpreter, which has another version than the image's paths say. */
function compile(folder: string, hashSeed: string): ReadonlyMap<string, Buffer> {
  const [step] = pythonBytecode.steps({ ...context, tree: testTree({ ...sources, '/usr/bin/python3.13': '' }).tree })
  assert.ok(step)
  const output = join(folder, `out-${hashSeed}`)
  const places = { inputs: folder, output }
  const run = spawnSync('python3', step.arguments(places), {
    input: step.stdin,
    env: { ...step.environment(places), PATH: process.env['PATH'], PYTHONHASHSEED: hashSeed },
    encoding: 'utf8',
  })
  assert.deepEqual([run.status, run.stderr], [0, ''])
  const files = readdirSync(output, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(output.length), readFileSync(path)] as const),
  )
}

test('byte code names its source by hash and by its path in the image, and does not depend on the run', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bytecode-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [path, content] of Object.entries(sources)) {
    mkdirSync(dirname(folder + path), { recursive: true })
    writeFileSync(folder + path, content)
  }
  const files = compile(folder, '0')
  assert.deepEqual(
    [...files.keys()].map((path) => path.replace(/cpython-\d+/, 'N')),
    ['/usr/lib/python3.13/__pycache__/os.N.pyc', '/usr/lib/python3.13/json/__pycache__/decoder.N.pyc'],
    'what is no Python has no byte code',
  )
  for (const content of files.values()) assert.equal(content.readUInt32LE(4), 0b11, 'PEP 552: by hash, checked')
  const [os] = files.values()
  assert.ok(os?.includes('/usr/lib/python3.13/os.py') && !os.includes(folder))
  assert.deepEqual(compile(folder, '77'), files)
})
