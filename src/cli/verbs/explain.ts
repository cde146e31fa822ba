import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate explain DEF PKG|PATH` and `casemate explain DEF --effective`: why something is in an image. */
export const explainVerb: Verb = (program, session) => {
  const command = program
    .command('explain')
    .argument('<definition>', 'name of a catalogue image, or path of a definition')
    .argument('[what]', 'a package, or an absolute path of a file')
    .description(
      'say why a package is in an image, where a file comes from, or why it was left out; or what a definition says in the end',
    )
    .option('--effective', 'print the definition with all that it extends or stacks on, and who says what')
    .option('--variant <name>', 'variant to explain', 'runtime')
    .option('--platform <platform>', 'platform to explain', 'linux/amd64')
    .option('--json', 'print the result as JSON')
  withPlaceOptions(command).addHelpText(
    'after',
    '\nExamples:\n  casemate explain python libsqlite3-0\n  casemate explain python /etc/ssl/certs/ca-certificates.crt\n  casemate explain ./my-overlay --effective',
  )
  command.action(async (reference: string, what: string | undefined, options) => {
    const { runExplain } = await import('../explain.ts')
    session.end(await runExplain(reference, what, options, session.terminal))
  })
}
