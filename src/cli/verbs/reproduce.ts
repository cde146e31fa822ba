import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate reproduce REF`: builds an image again from its own evidence. */
export const reproduceVerb: Verb = (program, session) => {
  const command = program
    .command('reproduce')
    .argument('<reference>', 'image in a registry, or in a folder: oci:DIR[:TAG]')
    .description('build an image again from the recipe that is attached to it, and compare')
    .option('--key <file...>', 'public keys in PEM of those whose recipes are believed')
    .option('--signed-as <repository...>', 'further repositories that the image may have been signed as')
    .option('--store <dir...>', 'folders with .debs by digest, as `casemate store` keeps them, before the network')
    .option('--workers <number>', 'threads to use (default: one a core)')
    .option('--json', 'print the result as JSON')
  withPlaceOptions(command).addHelpText(
    'after',
    '\nExamples:\n  casemate reproduce registry.example.org/team/app:1.0 --key casemate.pub\n  casemate reproduce registry.example.org/team/app:1.0 --key casemate.pub --store /srv/store --offline',
  )
  command.action(async (reference: string, options) => {
    const { runReproduce } = await import('../reproduce.ts')
    session.end(await runReproduce(reference, options, session.terminal))
  })
}
