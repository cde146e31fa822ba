import { ImageError } from '../errors.ts'
import type { Tree } from '../tree.ts'
import type { DerivedEffect, DerivedInput, DerivedStep } from './derived-effect.ts'

/**
 * Compiles what it is told on stdin, in that order and in one process. What is no Python of this version (templates,
 * other versions' sources) has no byte code, as the interpreter itself would have it; anything else that goes wrong ends
 * the run. The byte code holds the path that a source has in the image, and names its source by hash, not by time.
 */
const COMPILE = `
import importlib.util, py_compile, sys
inputs, output = sys.argv[1:]
mode = py_compile.PycInvalidationMode.CHECKED_HASH
for path in sys.stdin.read().splitlines():
    target = output + importlib.util.cache_from_source(path, optimization='')
    try:
        py_compile.compile(inputs + path, target, path, True, 0, mode)
    except py_compile.PyCompileError as error:
        if not isinstance(error.exc_value, (SyntaxError, ValueError)):
            raise
`

/** Debian's interpreters have their sources in a folder of their version, and share one with all of Python 3. */
const INTERPRETER = /^python(3\.[0-9]+)$/

/** Byte code of every Python source below `/usr/lib/python3*`, for each interpreter that the image has. */
export const pythonBytecode: DerivedEffect = {
  name: 'python-bytecode',
  summary: 'Compiles the Python sources of packages, by the interpreter of the image, so that programs start quickly.',
  recipe: 1,
  steps({ tree }) {
    const steps = tree.list('/usr/bin').flatMap((name) => {
      const version = INTERPRETER.exec(name)?.[1]
      const program = tree.resolve(`/usr/bin/${name}`)
      return version === undefined || program === undefined ? [] : step(tree, program, version)
    })
    if (steps.length > 0) return steps
    throw new ImageError('EFFECT_INVALID', 'cannot derive python-bytecode: the image has no /usr/bin/python3.N')
  },
}

function step(tree: Tree, program: string, version: string): DerivedStep {
  const inputs = [`/usr/lib/python${version}`, '/usr/lib/python3']
    .flatMap((folder) => sourcesBelow(tree, folder))
    .sort(byPath)
  return {
    program,
    inputs,
    target: '',
    environment: () => ({ LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0' }),
    stdin: inputs.map(({ path }) => `${path}\n`).join(''),
    // No site, no byte code of the compiler's own, no warnings about other people's sources.
    arguments: ({ inputs: prefix, output }) => ['-S', '-s', '-B', '-W', 'ignore', '-c', COMPILE, prefix, output],
  }
}

function sourcesBelow(tree: Tree, folder: string): DerivedInput[] {
  return tree.list(folder).flatMap((name) => {
    const path = `${folder}/${name}`
    if (tree.get(path)?.type === 'directory') return sourcesBelow(tree, path)
    const source = name.endsWith('.py') && !/[\r\n]/.test(path) ? tree.resolve(path) : undefined
    const type = source === undefined ? undefined : tree.get(source)?.type
    return source !== undefined && (type === 'file' || type === 'hardlink') ? [{ path, source }] : []
  })
}

function byPath(left: DerivedInput, right: DerivedInput): number {
  return left.path < right.path ? -1 : 1
}
