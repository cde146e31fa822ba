import type { Verb } from '../verb.ts'

/** `casemate doctor`: what is missing here. */
export const doctorVerb: Verb = (program, session) => {
  program
    .command('doctor')
    .description('check what this machine offers, and say what is missing for what')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  casemate doctor')
    .action(async (options) => {
      const { runDoctor } = await import('../doctor.ts')
      session.end(await runDoctor(options, session.terminal))
    })
}
