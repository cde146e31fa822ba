import { type Verb, withFactory } from '../verb.ts'

/** `casemate worker`: does the work of the factory's runs. */
export const workerVerb: Verb = (program, session) => {
  withFactory(program.command('worker'))
    .description(
      "do the work of the factory's runs until a signal says to stop; any number of workers may, on any machines",
    )
    .option('--concurrency <number>', 'batches at a time', '2')
    .option('--grace <seconds>', 'how long what is under way may go on when a signal says to stop', '60')
    .option('--until-done', 'end when no run is open any more; status 1 where one of their images failed')
    .option('--json', 'print what happens as lines of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate worker --registry docker://localhost:5000 --key casemate.key\n  casemate worker --registry docker://registry.example.org/hardened --key hashivault://images --definitions ./images --until-done',
    )
    .action(async (options) => {
      const { runWorker } = await import('../factory/worker.ts')
      session.end(await runWorker(options, session.terminal))
    })
}
