import { type Command, Option } from 'commander'
import { hostPlatform } from '../host-platform.ts'
import { type Session, type Verb, withPlaceOptions, withStaleOptions, withTrust, withVex } from '../verb.ts'

/** `casemate gate REF` and `casemate policy`: whether an image may pass, and by which rules. */
export const gateVerbs: Verb = (program, session) => {
  withPlaceOptions(withStaleOptions(withFindings(withEvidence(program.command('gate')))))
    .argument('<reference>', 'the image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .description('hold an image against policies; status 1 where one refuses it, 3 where one could not be decided')
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option(
      '--policy <file...>',
      'policies in place of the default set; `default` stands for it, so that others can be added',
    )
    .option('--exceptions <file>', 'who may pass all the same: policy, subject, owner, reason and expiry of each')
    .option(
      '--definition <definition>',
      "the image's definition, by which things are declared (default: the catalogue's)",
    )
    .option('--previous <reference>', 'the release before: what it promised is kept, or the version is raised')
    .option('--allow <file>', 'what images may be built on, as `casemate lint` reads it')
    .option(
      '--base <reference...>',
      'what it may be built on, for --allow: where the image does not say it, or cannot be asked there',
    )
    .option('--json', 'print the verdicts as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate gate oci:./out:python --tests python-tests.json\n  casemate gate registry.example.org/team/app:1.0 --key casemate.pub --exceptions exceptions.yaml\n  casemate gate registry.example.org/team/app:1.0 --key casemate.pub --policy default team.yaml --attest gate.key\n  casemate gate registry.example.org/team/app:1.1 --previous registry.example.org/team/app:1.0 --allow allow.yaml',
    )
    .action(async (reference: string, options) => {
      const { runGate } = await import('../gate.ts')
      session.end(await runGate(reference, options, session.terminal))
    })
  const policy = program.command('policy').description('the policies that images are held against')
  policy
    .command('list')
    .argument('[files...]', 'files of policies; the default set where there are none')
    .description('list policies: what each asks, why, and what to do')
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExamples:\n  casemate policy list\n  casemate policy list default team.yaml --json')
    .action(async (files: string[], options) => {
      const { listPolicies } = await import('../policy.ts')
      session.end(await listPolicies(files, options, session.terminal))
    })
  policy
    .command('test')
    .argument('[files...]', 'files of policies; the default set where there are none')
    .description("run policies' own tests; status 1 where one fails, or a policy has none")
    .option('--json', 'print the results as JSON')
    .addHelpText('after', '\nExamples:\n  casemate policy test\n  casemate policy test team.yaml')
    .action(async (files: string[], options) => {
      const { testPolicies } = await import('../policy.ts')
      session.end(await testPolicies(files, options, session.terminal))
    })
  exportVerb(policy, session)
}

function exportVerb(policy: Command, session: Session): void {
  policy
    .command('export')
    .description('write an allow-list as a policy for another program, which holds by it what is built or run')
    .requiredOption('--allow <file>', 'what may be built on, as `casemate lint` reads it')
    .addOption(
      new Option('--for <program>', 'kyverno: a ClusterPolicy; buildx: a build policy, Dockerfile.rego')
        .choices(['kyverno', 'buildx'])
        .makeOptionMandatory(),
    )
    .option('-o, --output <file>', 'write it to a file')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate policy export --allow allow.yaml --for buildx -o Dockerfile.rego\n  casemate policy export --allow allow.yaml --for kyverno | kubectl apply -f -',
    )
    .action(async (options) => {
      const { exportPolicy } = await import('../policy.ts')
      session.end(await exportPolicy(options, session.terminal))
    })
}

/** Evidence is asked for where somebody is named to believe. */
function withEvidence(command: Command): Command {
  return withTrust(command)
    .option('--tests <file>', 'what `casemate test REF --json` wrote of this image, in place of an attached result')
    .option(
      '--attest <key>',
      "sign what came of it with this private key, or Vault's, and attach it as a verification summary",
    )
    .option('--attest-identity-token [file]', 'the same as whom a token names; without a file, the CI job’s own')
    .option('--fulcio-url <url>', "who issues certificates (default: SIGSTORE_FULCIO_URL, or Sigstore's)")
    .option('--rekor-url <url>', "the transparency log (default: SIGSTORE_REKOR_URL, or Sigstore's)")
    .option('--timestamp-url <url>', 'who issues timestamps (default: SIGSTORE_TSA_URL, or nobody)')
}

function withFindings(command: Command): Command {
  return withVex(command)
    .addOption(
      new Option(
        '--evidence <what>',
        "go by Debian's advisories, or by the archive itself; the archive unless there are advisories",
      ).choices(['advisories', 'archive']),
    )
    .option('--ignore-file <file>', 'findings that their owners accept (default: .casemateignore.yaml)')
}
