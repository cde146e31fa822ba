import { type Verb, withFactory } from '../verb.ts'

/** `casemate up`: a whole factory in one process. */
export const upVerb: Verb = (program, session) => {
  withFactory(program.command('up'))
    .description(
      'run a whole factory in this folder: database, registry, status page and API, watchers, planner and a worker; until a signal says to stop',
    )
    .option('--listen <host:port>', 'where registry, status page and API are served (default: 127.0.0.1:5000)')
    .option('--concurrency <number>', 'batches at a time', '2')
    .option('--grace <seconds>', 'how long what is under way may go on when a signal says to stop', '60')
    .option('--until-done', 'end when nothing is to be done; status 1 where an image failed')
    .option('--json', 'print what happens as lines of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate up\n  casemate up --image static --image python --until-done\n  casemate up --listen 0.0.0.0:5000 --definitions ./images --key hashivault://images',
    )
    .action(async (options) => {
      const { runUp } = await import('../factory/up.ts')
      session.end(await runUp(options, session.terminal))
    })
}
