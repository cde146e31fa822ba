import type { Command } from 'commander'
import type { Verb } from '../verb.ts'

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
      '\nExamples:\n  casemate sign registry.example.org/team/app:1.0 --key casemate.key\n  casemate sign registry.example.org/team/app:1.0 --key hashivault://release\n  casemate sign registry.example.org/team/app:1.0 --identity-token',
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

function withSignatory(command: Command): Command {
  return command
    .option(
      '--key <key>',
      "private key in PEM (its password is asked for, or COSIGN_PASSWORD), or Vault's: hashivault://NAME",
    )
    .option(
      '--identity-token [file]',
      "sign as whom a token names; without a file SIGSTORE_ID_TOKEN's, or the CI job's own",
    )
    .option('--fulcio-url <url>', "who issues certificates (default: SIGSTORE_FULCIO_URL, or Sigstore's)")
    .option('--rekor-url <url>', "the transparency log (default: SIGSTORE_REKOR_URL, or Sigstore's)")
    .option('--timestamp-url <url>', 'who issues timestamps (default: SIGSTORE_TSA_URL, or nobody)')
    .option(
      '--trusted-root <file>',
      'verify what these services answer before it is attached: a trusted_root.json (default: SIGSTORE_TRUSTED_ROOT)',
    )
}
