import { Option } from 'commander'
import { hostPlatform } from '../host-platform.ts'
import type { Verb } from '../verb.ts'

/** `casemate sbom REF`: what is in an image, for machines. */
export const sbomVerb: Verb = (program, session) => {
  program
    .command('sbom')
    .argument('<reference>', 'the image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .description('print what is in an image, ours or any other that is based on Debian')
    .option('--format <name>', 'spdx (2.3) or cyclonedx (1.6), both as JSON, or text for people', 'spdx')
    .option(
      '--definition <def>',
      'the definition of an image of ours: adds what it leaves out, and the files of packages',
    )
    .option('--files', 'list every file with checksums and what it belongs to, joined from the layers')
    .addOption(
      new Option(
        '--layers <folder>',
        'instead, write what each layer says of its files to sha256-<diff ID>.json there, the same for every image that has it',
      ).conflicts(['files', 'definition']),
    )
    .option(
      '--base <reference...>',
      'what it may be built on: says of each package whether it is of base, overlay or application',
    )
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .addHelpText(
      'after',
      '\nExamples:\n  casemate sbom oci:./out:python\n  casemate sbom docker://registry.example.org/team/app:1.0 --format cyclonedx\n  casemate sbom oci:./out:python --format text --definition python\n  casemate sbom oci:./out:python --files --format cyclonedx\n  casemate sbom oci:./out:python --layers ./layer-files\n  casemate sbom docker://registry.example.org/team/app:1.0 --base docker://registry.example.org/base/python:3.13 --format cyclonedx',
    )
    .action(async (reference: string, options) => {
      const { runSbom } = await import('../sbom.ts')
      session.end(await runSbom(reference, options, session.terminal))
    })
}
