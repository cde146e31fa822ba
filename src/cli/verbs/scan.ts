import { Option } from 'commander'
import { hostPlatform } from '../host-platform.ts'
import type { Verb } from '../verb.ts'

/** `casemate scan REF`: what is wrong with an image, and what can be done now. */
export const scanVerb: Verb = (program, session) => {
  program
    .command('scan')
    .argument('<reference>', 'the image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .description('print what is wrong with the Debian packages of an image, by the advisories that were imported')
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--only-fixed', 'list findings with a fix only')
    .option('--all', 'list ignored and unimportant findings too, which are counted otherwise')
    .addOption(
      new Option(
        '--fail-on <kind>',
        'status 1 for findings with a fix (fixed), or also for those that wait for one (open): all but ignored and unimportant',
      ).choices(['fixed', 'open']),
    )
    .option('--vex <file...>', 'OpenVEX documents of others: what they call harmless is listed apart, with who says so')
    .option('--vex-key <file...>', 'public keys (PEM) that signed documents are verified with')
    .option('--vex-unsigned', 'take documents that nobody has signed, too')
    .option('--reach', 'say of each package whether the entrypoint can load it')
    .option('--json', 'print every finding with its evidence, for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate scan oci:./out:python\n  casemate scan docker://registry.example.org/team/app:1.0 --only-fixed --fail-on fixed\n  casemate scan oci:./out:python --vex vendor.vex.json --vex-key vendor.pub --reach',
    )
    .action(async (reference: string, options) => {
      const { runScan } = await import('../scan.ts')
      session.end(await runScan(reference, options, session.terminal))
    })
}
