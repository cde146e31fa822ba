import { Option } from 'commander'
import { hostPlatform } from '../host-platform.ts'
import { type Verb, withPlaceOptions, withStaleOptions } from '../verb.ts'

/** `casemate diff REF REF`: in what two images differ, or two definitions. */
export const diffVerb: Verb = (program, session) => {
  withPlaceOptions(withStaleOptions(program.command('diff')))
    .argument('<from>', 'an image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…; or a definition')
    .argument('<to>', 'the image, or the definition, to hold against it')
    .description(
      'print in what two images differ, ours or any others that are based on Debian: packages, findings opened and closed, licences, files, config; of two definitions settings, contract, packages of their locks, tests; status 1 when they do',
    )
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--variant <name>', 'which variant of definitions', 'runtime')
    .addOption(
      new Option(
        '--evidence <what>',
        "what findings rest on: the advisories that were imported, or the archive's newer versions with the CVEs of their changelogs, which are fetched; without it findings are compared if there are advisories of Debian's, and nothing is fetched",
      ).choices(['advisories', 'archive']),
    )
    .option('--markdown', 'print a page for a pull request')
    .option('--json', 'print everything, for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate diff oci:./out:python oci:./out:python-dev\n  casemate diff docker://registry.example.org/team/app:1.0 oci:./out:app --markdown\n  casemate diff oci:./old:python oci:./out:python --evidence archive\n  casemate diff python ./corporate#python',
    )
    .action(async (from: string, to: string, options) => {
      const { runDiff } = await import('../diff.ts')
      session.end(await runDiff(from, to, options, session.terminal))
    })
}
