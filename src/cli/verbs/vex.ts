import { Option } from 'commander'
import { hostPlatform } from '../host-platform.ts'
import type { Verb } from '../verb.ts'

/** `casemate vex REF`: what Debian says of an image's packages, as OpenVEX. */
export const vexVerb: Verb = (program, session) => {
  program
    .command('vex')
    .argument('<reference>', 'the image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .description('write OpenVEX of an image: what its packages are affected by and what not, only by evidence')
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--image-level', 'state it of the image with its packages as subcomponents, not of the packages')
    .option('--author <author>', 'who makes the statements: a person or an organization', 'Casemate')
    .option('--policy <file>', 'YAML with `unimportant: not_affected` and `not-reached: JUSTIFICATION`')
    .addOption(
      new Option(
        '--unimportant <status>',
        "state Debian's unimportant as this, naming its record; nothing is stated of it otherwise",
      ).choices(['not-affected']),
    )
    .addOption(
      new Option(
        '--reach-policy <rule>',
        'state what the entrypoint cannot load as not affected in this image; refused where the analysis has limits',
      ).choices(['not-reached=vulnerable_code_not_in_execute_path']),
    )
    .option('-o, --output <file>', 'write the document here')
    .option('--repository <folder>', 'write a document for each package into a VEX repository, or update what is there')
    .option('--repository-url <url>', 'where clients get an archive of the repository; writes its manifest')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate vex oci:./out:nginx -o nginx.openvex.json\n  casemate vex oci:./out:nginx --image-level --unimportant not-affected --reach-policy not-reached=vulnerable_code_not_in_execute_path\n  casemate vex oci:./out:nginx --repository ./vexhub --repository-url https://vex.example/main.tar.gz//main',
    )
    .action(async (reference: string, options) => {
      const { runVex } = await import('../vex.ts')
      session.end(await runVex(reference, options, session.terminal))
    })
}
