import { type Verb, withSignatory } from '../verb.ts'

/** `casemate sign` and `casemate attest`: who says what about an image. */
export const signVerbs: Verb = (program, session) => {
  withSignatory(program.command('sign'))
    .argument('<reference>', 'image in a registry, or in a folder: oci:DIR[:TAG]')
    .description("sign an image in a registry, its index and each platform's manifest, for cosign 2 and 3")
    .option('--signed-as <repository>', 'the repository that the signature names (default: where the image is)')
    .option('--renew', 'sign again what this key has signed before, so that the signature is of today')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate sign registry.example.org/team/app:1.0 --key casemate.key\n  casemate sign registry.example.org/team/app:1.0 --key hashivault://release\n  casemate sign registry.example.org/team/app:1.0 --key "pkcs11:token=team;object=release?pin-source=file:/run/pin"\n  casemate sign registry.example.org/team/app:1.0 --identity-token',
    )
    .action(async (reference: string, options) => {
      const { runSign } = await import('../sign.ts')
      session.end(await runSign(reference, options, session.terminal))
    })
  withSignatory(program.command('attest'))
    .argument('<reference>', 'image in a registry, or in a folder: oci:DIR[:TAG]')
    .description(
      'make, sign and attach what can be said of an image: SBOMs, licences, findings, VEX; or a predicate of yours',
    )
    .option('--type <type>', 'with --predicate: its type, a short name or a URI')
    .option('--predicate <file>', 'a predicate in JSON to attach instead')
    .option('--platform <platform>', 'only this platform')
    .option('--author <name>', 'who makes the VEX statements', 'casemate')
    .option('--signed-as <repository>', 'the repository that the statements name (default: where the image is)')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate attest registry.example.org/team/app:1.0 --key casemate.key\n  casemate attest registry.example.org/team/app:1.0 --key casemate.key --type https://example.org/review/v1 --predicate review.json',
    )
    .action(async (reference: string, options) => {
      const { runAttest } = await import('../attest.ts')
      session.end(await runAttest(reference, options, session.terminal))
    })
}
