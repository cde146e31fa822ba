import type { Verb } from '../verb.ts'

/** `casemate login|logout REGISTRY`: credentials, where podman, skopeo, docker and cosign keep theirs. */
export const loginVerb: Verb = (program, session) => {
  program
    .command('login')
    .argument('<registry>', 'HOST[:PORT]')
    .description('check a password with a registry and keep it where podman, skopeo and docker look for it')
    .requiredOption('-u, --username <name>', "the user's name")
    .option('--password-stdin', 'read the password from standard input, as is done unless that is a terminal')
    .option('--ca <file>', 'trust the certificate authorities in this file too, PEM')
    .option('--json', 'print where it is kept as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate login registry.example.org -u wanda\n  pass show registry | casemate login registry.internal:5000 -u robot --ca internal-ca.pem',
    )
    .action(async (registry: string, options) => {
      const { runLogin } = await import('../login.ts')
      session.end(await runLogin(registry, options, session.terminal))
    })
  program
    .command('logout')
    .argument('<registry>', 'HOST[:PORT]')
    .description('forget the credentials for a registry')
    .option('--json', 'print where they were as JSON')
    .addHelpText('after', '\nExample:\n  casemate logout registry.example.org')
    .action(async (registry: string, options) => {
      const { runLogout } = await import('../login.ts')
      session.end(await runLogout(registry, options, session.terminal))
    })
}
