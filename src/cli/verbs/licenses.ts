import { hostPlatform } from '../host-platform.ts'
import type { Verb } from '../verb.ts'

/** `casemate licenses REF`: under which licences an image's packages are, and which sources go with them. */
export const licensesVerb: Verb = (program, session) => {
  program
    .command('licenses')
    .argument('<reference>', 'the image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .description("print the licences of an image's packages, what could not be classified, and the sources to offer")
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--json', 'print every package, the texts of licences that SPDX does not list, and the sources, as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate licenses oci:./out:python\n  casemate licenses oci:./out:python --json',
    )
    .action(async (reference: string, options) => {
      const { runLicenses } = await import('../licenses.ts')
      session.end(await runLicenses(reference, options, session.terminal))
    })
}
