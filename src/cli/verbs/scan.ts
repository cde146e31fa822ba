import { Option } from 'commander'
import { hostPlatform } from '../host-platform.ts'
import { type Verb, withPlaceOptions, withStaleOptions, withVex } from '../verb.ts'

/** `casemate scan REF`: what is wrong with an image, and what can be done now. */
export const scanVerb: Verb = (program, session) => {
  withVex(withPlaceOptions(withStaleOptions(program.command('scan'))))
    .argument(
      '<reference>',
      'the image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…; or an SBOM: sbom:FILE or FILE.json',
    )
    .description('print what is wrong with the packages of an image, by the advisories that were imported')
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .addOption(
      new Option(
        '--evidence <what>',
        "go by Debian's advisories, or by the archive itself: newer versions, with the CVEs of their changelogs; the archive unless there are advisories",
      ).choices(['advisories', 'archive']),
    )
    .option('--only-fixed', 'list findings with a fix only')
    .option('--all', 'list every finding, also ignored, unimportant and suppressed ones, which are counted otherwise')
    .addOption(
      new Option(
        '--fail-on <kind>',
        'status 1 for findings with a fix (fixed), or also for those that wait for one (open): all but ignored and unimportant',
      ).choices(['fixed', 'open']),
    )
    .option('--ignore-file <file>', 'rules that suppress findings, each with a reason (default: .casemateignore.yaml)')
    .option(
      '--base <reference...>',
      'what the image may be built on: says whose each finding is, and which ones a rebase closes',
    )
    .option('--reach', 'say of each package whether the entrypoint can load it')
    .addOption(
      new Option(
        '--format <format>',
        'table for people; json with all evidence; sarif (2.1.0) for code scanning; cyclonedx (1.6) with vulnerabilities; gitlab for its container scanning report',
      ).choices(['table', 'json', 'sarif', 'cyclonedx', 'gitlab']),
    )
    .option('--json', 'short for --format json')
    .option('-o, --output <file>', 'write the result to a file')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate scan oci:./out:python\n  casemate scan docker://registry.example.org/team/app:1.0 --only-fixed --fail-on fixed\n  casemate scan oci:./out:python --format sarif -o casemate.sarif\n  casemate scan app.spdx.json --only-fixed\n  casemate scan oci:./out:python --evidence archive\n  casemate scan oci:./out:python --vex vendor.vex.json --vex-key vendor.pub --reach\n  casemate scan docker://registry.example.org/team/app:1.0 --base docker://registry.example.org/base/python:3.13',
    )
    .action(async (reference: string, options) => {
      const { runScan } = await import('../scan.ts')
      session.end(await runScan(reference, options, session.terminal))
    })
}
