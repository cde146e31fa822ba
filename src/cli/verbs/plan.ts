import { type Verb, withPlaceOptions, withStaleOptions } from '../verb.ts'

/** `casemate plan`: what would be rebuilt and why. */
export const planVerb: Verb = (program, session) => {
  withStaleOptions(withPlaceOptions(program.command('plan')))
    .description('print which images would be rebuilt and why, and what is held by what until when; nothing is done')
    .option('--definitions <dir...>', 'folders with definitions and their locks, in place of what factory.yaml names')
    .option('--settings <file>', "the factory's settings (default: factory.yaml, where there is one)")
    .option(
      '--state <dir>',
      "the folder of the factory's database (default: ./state, where there is one; CASEMATE_DATABASE names another); without any, locks are held against today's archives",
    )
    .option(
      '--since <time>',
      'tell also of images that what was seen since then is about and that stay as they are; without a database: since when newer packages count as seen',
    )
    .option('--all', 'list images that stay as they are, with why')
    .option('--check', 'status 1 when there is something to rebuild now')
    .option('--json', 'print the plan as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate plan\n  casemate plan --definitions ./images --check\n  casemate plan --state /srv/casemate/state --since 2026-11-20 --all\n  casemate plan --json',
    )
    .action(async (options) => {
      const { runPlan } = await import('../plan.ts')
      session.end(await runPlan(options, session.terminal))
    })
}
