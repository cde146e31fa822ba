import type { Verb } from '../verb.ts'

/** `casemate copy SRC DST`: an image with all that is said about it. */
export const copyVerb: Verb = (program, session) => {
  program
    .command('copy')
    .argument('<source>', 'the image: docker://… or oci:DIR[:TAG]')
    .argument('<destination>', 'where to: docker://… or oci:DIR[:TAG]; a folder without a tag takes that of the source')
    .description('copy an image with its signatures, statements and everything else that refers to it')
    .option('--ca <file>', 'trust the certificate authorities in this file too, PEM (see docs/registry.md for certs.d)')
    .option('--json', 'print what was carried as JSON')
    .addHelpText(
      'after',
      `
Every byte is verified by its digest. The tag is written last: a copy that breaks off shows nothing, and the same command
goes on where it stopped.

Examples:
  casemate copy docker://registry.example.org/team/app:1.0 docker://registry.example.net/team/app:1.0
  casemate copy docker://registry.example.org/team/app@sha256:… docker://registry.example.org/prod/app:1.0

Into a closed network: to a folder, carry it, from the folder:
  casemate copy docker://registry.example.org/team/app:1.0 oci:./carry
  casemate copy oci:./carry docker://registry.internal:5000/team/app:1.0 --ca internal-ca.pem`,
    )
    .action(async (source: string, destination: string, options) => {
      const { runCopy } = await import('../copy.ts')
      session.end(await runCopy({ source, destination }, options, session.terminal))
    })
}
