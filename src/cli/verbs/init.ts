import type { Verb } from '../verb.ts'

/** `casemate init [NAME]`: writes a first definition. */
export const initVerb: Verb = (program, session) => {
  program
    .command('init')
    .argument('[name]', 'name of the image and of the folder to make; without it, the current folder')
    .description('write a first definition')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  casemate init my-image\n  casemate build ./my-image')
    .action(async (name: string | undefined, options) => {
      const { runInit } = await import('../init.ts')
      session.end(await runInit(name, options, session.terminal))
    })
}
