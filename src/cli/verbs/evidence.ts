import { type Verb, withTrust } from '../verb.ts'

/** `casemate verify` and `casemate evidence`: what is said about an image, and whether to believe it. */
export const evidenceVerbs: Verb = (program, session) => {
  withTrust(program.command('verify'))
    .argument('<reference>', 'image in a registry, or in a folder: oci:DIR[:TAG]')
    .description('verify who has signed an image, and everything that is said about it')
    .option(
      '--require <type...>',
      'statements that must be there: provenance, recipe, spdx, cyclonedx, licences, vex, vuln, test, vsa, or a URI',
    )
    .option('--max-age <age>', 'how old the signature may be, e.g. 30d or 36h')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate verify registry.example.org/team/app:1.0 --key casemate.pub\n  casemate verify mirror.example.net/app:1.0 --key casemate.pub --signed-as registry.example.org/team/app --require provenance spdx\n  casemate verify registry.example.org/team/app:1.0 --certificate-identity release@example.org --certificate-oidc-issuer https://accounts.example.org --trusted-root trusted_root.json',
    )
    .action(async (reference: string, options) => {
      const { runVerify } = await import('../verify.ts')
      session.end(await runVerify(reference, options, session.terminal))
    })
  withTrust(program.command('evidence'))
    .argument('<reference>', 'image in a registry, or in a folder: oci:DIR[:TAG]')
    .description('list what is attached to an image, or print one statement that is believed')
    .option('--type <type>', 'print the predicate of this type: a short name or a URI')
    .option('--platform <platform>', 'with --type: only what is said about this platform')
    .option('--output <file>', 'with --type: write it to a file')
    .option('--json', 'print the list as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate evidence registry.example.org/team/app:1.0\n  casemate evidence registry.example.org/team/app:1.0 --key casemate.pub --type spdx --platform linux/amd64 --output sbom.spdx.json',
    )
    .action(async (reference: string, options) => {
      const { runEvidence } = await import('../evidence.ts')
      session.end(await runEvidence(reference, options, session.terminal))
    })
}
