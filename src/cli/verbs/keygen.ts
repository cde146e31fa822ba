import { Option } from 'commander'
import type { Verb } from '../verb.ts'

/** `casemate keygen`: a key pair to sign with. */
export const keygenVerb: Verb = (program, session) => {
  program
    .command('keygen')
    .argument('[prefix]', 'the names of the new files: PREFIX.key and PREFIX.pub', 'casemate')
    .description('make a key pair to sign images with, in the format of cosign')
    .addOption(new Option('--type <type>', 'kind of key').choices(['ecdsa-p256', 'ed25519']).default('ecdsa-p256'))
    .addHelpText('after', '\nExamples:\n  casemate keygen\n  COSIGN_PASSWORD=… casemate keygen release')
    .action(async (prefix: string, options) => {
      const { runKeygen } = await import('../keygen.ts')
      session.end(await runKeygen(prefix, options, session.terminal))
    })
}
