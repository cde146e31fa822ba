import { Option } from 'commander'
import type { Verb } from '../verb.ts'

/** `casemate lint Dockerfile`: what is built on, and how. */
export const lintVerb: Verb = (program, session) => {
  program
    .command('lint')
    .argument('[files...]', 'Dockerfiles (default: Dockerfile)')
    .description('hold Dockerfiles against an allow-list of bases, every stage, and against rules; status 1 for errors')
    .option('--allow <file>', 'what may be built on; without it that is not asked')
    .option('--build-arg <name=value...>', 'values of ARGs before the first FROM, as the build gets them')
    .option(
      '--fix',
      'write what is certain: digests of tags, the user, lists in place of lines of a shell; shows each line',
    )
    .addOption(
      new Option('--format <format>', 'table for people, json, or sarif (2.1.0) for code scanning').choices([
        'table',
        'json',
        'sarif',
      ]),
    )
    .option('--json', 'short for --format json')
    .option('-o, --output <file>', 'write the result to a file')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate lint\n  casemate lint --allow allow.yaml Dockerfile docker/*.Dockerfile\n  casemate lint --allow allow.yaml --fix\n  casemate lint --format sarif -o lint.sarif',
    )
    .action(async (files: string[], options) => {
      const { runLint } = await import('../lint.ts')
      session.end(await runLint(files, options, session.terminal))
    })
}
