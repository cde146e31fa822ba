import type { Argv, ImageTest } from './image-test.ts'

/** A variable's name after its dollar sign: in braces, one of the shell's own, or letters, digits and `_`. */
const REFERENCE = /\$(?:\{([^}]*)\}|([*#$@!?-]|[0-9]|[A-Za-z_][A-Za-z0-9_]*)|\{)/g

/**
 * Puts an image's variables in the place of their references in a test's values, commands and paths, as Go's `os.Expand` does, where
 * the test says that it has such; what is not set is nothing. Variables of the test's own are known to its commands, not to
 * each other.
 */
export function expandVariables(test: ImageTest, environment: Readonly<Record<string, string>>): ImageTest {
  if (!test.expandsVariables) return test
  const own = Object.entries(test.environment).map(([name, value]) => [name, expand(value, environment)] as const)
  const all = { ...environment, ...Object.fromEntries(own) }
  const inCommand = (argv: Argv) => argv.map((word) => expand(word, all))
  const { program, around, files } = test
  return {
    ...test,
    environment: Object.fromEntries(own),
    program: program.kind === 'command' ? { kind: 'command', argv: inCommand(program.argv) } : program,
    ...(around && { around: { before: around.before.map(inCommand), after: around.after.map(inCommand) } }),
    files: files.map((file) => ({ ...file, path: expand(file.path, environment) })),
  }
}

function expand(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(REFERENCE, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? ''
    return Object.hasOwn(environment, name) ? (environment[name] ?? '') : ''
  })
}
