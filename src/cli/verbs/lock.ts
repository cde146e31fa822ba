import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate lock DEF`: solves a definition and writes or checks the lock beside it. */
export const lockVerb: Verb = (program, session) => {
  const command = program
    .command('lock')
    .argument('<definition>', 'name of a catalogue image, or path of a definition')
    .description('solve a definition and write, update or check casemate.lock beside it')
    .option('--check', 'write nothing; say what would change, and end with 1 if anything would')
    .option('--update [package...]', 'take the newest versions of these packages, or of all')
    .option('--only <base...>', 'of a definition on several bases, only the locks of the images on these')
    .option('--format', 'take the newest layer format: every layer is made anew')
    .option(
      '--base-key <key...>',
      'public keys: whose recipe of the image in `from` to believe; it is kept beside the lock',
    )
    .option('--base-signed-as <name...>', 'repositories that the image in `from` may have been signed as')
    .option('--json', 'print the result as JSON')
  withPlaceOptions(command).addHelpText(
    'after',
    `
Examples:
  casemate lock ./my-image
  casemate lock ./my-image --check
  casemate lock ./corporate --only python
  casemate lock ./my-image --update libssl3t64
  casemate lock ./my-overlay --base-key release.pub`,
  )
  command.action(async (reference: string, options) => {
    const { runLock } = await import('../lock.ts')
    session.end(await runLock(reference, options, session.terminal))
  })
}
