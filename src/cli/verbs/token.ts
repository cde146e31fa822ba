import type { Command } from 'commander'
import type { Verb } from '../verb.ts'

function withState(command: Command): Command {
  return command
    .option(
      '--state <dir>',
      "the folder of the factory's database, unless CASEMATE_DATABASE names another one",
      './state',
    )
    .option('--json', 'print the result as JSON')
}

/** `casemate token create|list|revoke`: who may use the API of `casemate up`. */
export const tokenVerb: Verb = (program, session) => {
  const token = program
    .command('token')
    .description('tokens for the API of the factory: who may do what with which images')
  withState(token.command('create'))
    .argument('<name>', 'whose it is, or what for')
    .requiredOption(
      '--role <role>',
      'reader; approver: also approves and holds; operator: also asks, cancels and goes back; admin: everything',
    )
    .option('--images <pattern...>', 'the images that it is for: * is one part of a name, ** any', ['**'])
    .option('--expires <age>', 'for how long it holds, e.g. 12h or 90d; without, until it is revoked')
    .description('make a token and print it, this once: only its digest is kept')
    .addHelpText(
      'after',
      "\nExamples:\n  casemate token create ci --role operator --images 'team-a/**' --expires 90d\n  casemate token create alice --role admin",
    )
    .action(async (name: string, options) => {
      const { runTokenCreate } = await import('../token.ts')
      session.end(await runTokenCreate(name, options, session.terminal))
    })
  withState(token.command('list'))
    .description('list all tokens, those that were revoked or have expired too')
    .addHelpText('after', '\nExample:\n  casemate token list')
    .action(async (options) => {
      const { runTokenList } = await import('../token.ts')
      session.end(await runTokenList(options, session.terminal))
    })
  withState(token.command('revoke'))
    .argument('<number>', 'its number in `casemate token list`')
    .description('end a token for good, from the next request on')
    .addHelpText('after', '\nExample:\n  casemate token revoke 3')
    .action(async (number: string, options) => {
      const { runTokenRevoke } = await import('../token.ts')
      session.end(await runTokenRevoke(number, options, session.terminal))
    })
}
