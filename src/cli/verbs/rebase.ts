import { type Verb, withTrust } from '../verb.ts'

/** `casemate rebase REF`: an application's image onto a newer base. */
export const rebaseVerb: Verb = (program, session) => {
  const command = program
    .command('rebase')
    .argument('<reference>', 'image of an application, built on a base by any builder')
    .description('put an application onto a newer base without building it, or say every reason why that is not safe')
    .requiredOption('--onto <reference>', 'the new base')
    .option('--base <reference>', 'the base that it was built on (default: what its annotations name, by digest)')
    .option('-o, --output <reference...>', 'where to: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker://…')
    .option('--platform <platform>', 'one platform of several, e.g. linux/amd64 (default: all of them)')
    .option('--check', 'say whether it is safe, and write nothing')
    .option('--allow-older', 'take a new base that is older, or has an older package')
    .option('--allow-unsigned', 'take a new base that nobody has signed')
    .option('--json', 'print the result as JSON')
  withTrust(command).addHelpText(
    'after',
    `
Examples:
  casemate rebase registry.example.org/team/app:1.0 --onto registry.example.org/base/python:3.13 --key casemate.pub --check
  casemate rebase registry.example.org/team/app:1.0 --onto registry.example.org/base/python:3.13 --key casemate.pub -o docker://registry.example.org/team/app:1.0-rebased
  casemate rebase oci:app --base oci:out-old:python --onto oci:out:python --allow-unsigned -o oci:app-rebased

Refusals: each has a code; docs/rebase.md says what they mean.`,
  )
  command.action(async (reference: string, options) => {
    const { runRebase } = await import('../rebase.ts')
    session.end(await runRebase(reference, options, session.terminal))
  })
}
