import type { Command } from 'commander'
import type { ExitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'

/** What a verb gets from the command line it was called from. */
export interface Session {
  readonly terminal: Terminal
  /** Sets the status to exit with when the verb ends without an error; `done` unless called. */
  end(status: ExitStatus): void
}

/** Declares a verb with its options and its help. What it does is loaded when it is called. */
export type Verb = (program: Command, session: Session) => void

/** The options of every verb that reads an archive. */
export interface PlaceOptions {
  readonly mirror?: string
  readonly offline?: boolean
  readonly acceptExpired?: boolean
}

/** Adds the options that say where packages come from. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option('--mirror <url>', 'mirror to use: a URL, or KIND=URL,… (CASEMATE_MIRROR has the same form)')
    .option('--offline', 'use the cache only, and say what is missing')
    .option('--accept-expired', 'take suites past their Valid-Until; the output and the lock say so')
}

/** How old advisories may be, and what happens when they are older, or missing. */
export interface StaleOptions {
  readonly maxAge?: string
  readonly stale?: string
}

/** Adds the options of every verb that judges by advisories. */
export function withStaleOptions(command: Command): Command {
  return command
    .option(
      '--max-age <age>',
      "how old advisories may be, e.g. 3d or 36h, in place of each kind's own (CASEMATE_MAX_AGE)",
    )
    .option('--stale <what>', 'missing or older advisories: warn, or error, with status 3 (CASEMATE_STALE)')
}

/** Adds the options of every verb that signs. */
export function withSignatory(command: Command): Command {
  return command
    .option(
      '--key <key>',
      "private key in PEM (its password is asked for, or COSIGN_PASSWORD), Vault's (hashivault://NAME), or a token's (pkcs11:token=T;object=NAME)",
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

/** Adds the options of every verb that has to know whom to believe. */
export function withTrust(command: Command): Command {
  return command
    .option(
      '--key <key...>',
      "public keys in PEM of those who are believed, Vault's (hashivault://NAME), or a token's (pkcs11:token=T;object=NAME)",
    )
    .option('--certificate-identity <name>', 'an identity that is believed, as its certificates name it')
    .option('--certificate-identity-regexp <pattern>', 'identities that are believed: the whole name must match')
    .option('--certificate-oidc-issuer <url>', 'who has vouched for the identity')
    .option(
      '--trusted-root <file>',
      'whose certificates, logs and timestamps are believed: a trusted_root.json (default: SIGSTORE_TRUSTED_ROOT)',
    )
    .option('--signed-as <repository...>', 'further repositories that the image may have been signed as')
}

/** Adds the options that say which VEX documents of others count. */
export function withVex(command: Command): Command {
  return command
    .option('--vex <file...>', 'OpenVEX documents of others: what they call harmless is listed apart, with who says so')
    .option('--vex-key <file...>', 'public keys (PEM) that signed documents are verified with')
    .option('--vex-unsigned', 'take documents that nobody has signed, too')
}

/** Adds the option of every verb that opens the factory's memory. */
export function withState(command: Command): Command {
  return command.option(
    '--state <dir>',
    "the folder of the factory's database, unless CASEMATE_DATABASE names another one",
    './state',
  )
}

/** Adds the options of every verb that makes images as a part of a factory. */
export function withFactory(command: Command): Command {
  return withStaleOptions(withPlaceOptions(withState(command)))
    .option('--registry <place>', 'where images are published: docker://HOST[:PORT][/PREFIX]')
    .option('--key <key>', "private key that signs, in PEM, Vault's (hashivault://NAME), or a token's (pkcs11:…)")
    .option(
      '--image <definition...>',
      'catalogue images, or paths of definitions (default: static, base, python, nginx)',
    )
    .option('--definitions <dir>', 'a folder with further definitions, at any depth')
    .option('--platform <list>', "platforms that are made (default: this machine's)")
    .option('--variant <list>', 'variants that are made (default: all)')
    .option('--policy <file...>', 'policies of the gate in place of the default set; `default` stands for it')
    .option(
      '--exceptions <file>',
      'who may pass the gate all the same: policy, subject, owner, reason and expiry of each',
    )
    .option('--workers <number>', 'threads to use (default: one a core)')
    .option('--settings <file>', "the factory's settings (default: factory.yaml, where there is one)")
}
