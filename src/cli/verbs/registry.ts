import { Option } from 'commander'
import type { Verb } from '../verb.ts'

/** `casemate registry serve|gc|scrub`: the embedded OCI registry. */
export const registryVerb: Verb = (program, session) => {
  const registry = program.command('registry').description('serve images from a folder: an OCI registry of your own')
  registry
    .command('serve')
    .argument('[dir]', 'the folder that everything is kept in', './registry')
    .description('serve a folder as a registry until it is told to stop (SIGTERM, SIGINT)')
    .option('--listen <host:port>', 'where to listen; port 0 for a free one', '127.0.0.1:5000')
    .option('--tls-cert <file>', 'certificate chain, PEM; read again on SIGHUP')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--htpasswd <file>', 'users with bcrypt hashes; alone, they may do everything and nobody else anything')
    .option('--access <file>', 'who may do what in which repositories, YAML; read again on SIGHUP')
    .addOption(
      new Option('--auth <scheme>', 'how clients say who they are').choices(['token', 'basic']).default('token'),
    )
    .option('--public-url <url>', 'the address that clients see, where a proxy stands before it')
    .option('--access-log <file>', 'write a JSON line for each request; - for standard output')
    .option('--blob-limit <bytes>', 'the most bytes of a blob', '21474836480')
    .option('--gc-interval <hours>', 'collect garbage every so many hours; 0 for never', '24')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate registry serve\n  casemate registry serve /srv/registry --listen 0.0.0.0:5000 --tls-cert cert.pem --tls-key key.pem --access access.yaml\n  casemate build python -o docker://localhost:5000/python:3.13',
    )
    .action(async (dir: string, options) => {
      const { runRegistryServe } = await import('../registry-serve.ts')
      session.end(await runRegistryServe(dir, options, session.terminal))
    })
  registry
    .command('gc')
    .argument(
      '[dir]',
      "the registry's folder; the process that serves it does the work where there is one",
      './registry',
    )
    .description('remove what no image needs; what was acknowledged as an image keeps all its parts')
    .option('--grace <hours>', 'leave alone what a client has touched since', '24')
    .option('--untagged', 'remove images without a tag too, unless an index or a subject leads to them')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate registry gc /srv/registry\n  casemate registry gc /srv/registry --untagged --grace 168',
    )
    .action(async (dir: string, options) => {
      const { runRegistryGc } = await import('../registry-upkeep.ts')
      session.end(await runRegistryGc(dir, options, session.terminal))
    })
  registry
    .command('scrub')
    .argument(
      '[dir]',
      "the registry's folder; the process that serves it does the work where there is one",
      './registry',
    )
    .description(
      'read everything again and compare it with its digest; damaged files are put aside. The status is "no" for damage',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  casemate registry scrub /srv/registry')
    .action(async (dir: string, options) => {
      const { runRegistryScrub } = await import('../registry-upkeep.ts')
      session.end(await runRegistryScrub(dir, options, session.terminal))
    })
}
