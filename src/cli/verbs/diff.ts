import { hostPlatform } from '../host-platform.ts'
import type { Verb } from '../verb.ts'

/** `casemate diff REF REF`: in what two images differ. */
export const diffVerb: Verb = (program, session) => {
  program
    .command('diff')
    .argument('<from>', 'an image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .argument('<to>', 'the image to hold against it')
    .description('print in what two images differ, ours or any others that are based on Debian; status 1 when they do')
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--markdown', 'print a page for a pull request')
    .option('--json', 'print everything, for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate diff oci:./out:python oci:./out:python-dev\n  casemate diff docker://registry.example.org/team/app:1.0 oci:./out:app --markdown',
    )
    .action(async (from: string, to: string, options) => {
      const { runDiff } = await import('../diff.ts')
      session.end(await runDiff(from, to, options, session.terminal))
    })
}
