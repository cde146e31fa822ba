import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate explain DEF PKG|PATH`, `DEF --effective` and `REF [PATH]`: why something is in an image, and whose it is. */
export const explainVerb: Verb = (program, session) => {
  const command = program
    .command('explain')
    .argument('<definition>', 'name of a catalogue image, path of a definition, or an image: oci:DIR[:TAG], docker://…')
    .argument('[what]', 'a package, or an absolute path of a file; may be left out of an image')
    .description(
      'say why a package is in an image, where a file comes from, or why it was left out; what a definition says in the end; of an image what it is built on, and whose its parts are',
    )
    .option('--effective', 'print the definition with all that it extends or stacks on, and who says what')
    .option('--variant <name>', 'variant to explain', 'runtime')
    .option('--platform <platform>', 'platform to explain', 'linux/amd64')
    .option('--base <reference...>', 'of an image: what it may be built on')
    .option('--json', 'print the result as JSON')
  withPlaceOptions(command).addHelpText(
    'after',
    '\nExamples:\n  casemate explain python libsqlite3-0\n  casemate explain python /etc/ssl/certs/ca-certificates.crt\n  casemate explain ./my-overlay --effective\n  casemate explain registry.example.org/team/app:1.0 --base registry.example.org/base/python:3.13\n  casemate explain oci:app /app/main.py --base oci:./out:python',
  )
  command.action(async (reference: string, what: string | undefined, options) => {
    const { isImageReference, runExplainImage } = await import('../explain-image.ts')
    if (isImageReference(reference)) {
      session.end(await runExplainImage(reference, what, options, session.terminal))
      return
    }
    const { runExplain } = await import('../explain.ts')
    session.end(await runExplain(reference, what, options, session.terminal))
  })
}
