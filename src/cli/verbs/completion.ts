import type { Verb } from '../verb.ts'

/** `casemate completion SHELL`: what a shell reads to complete command lines, and the hidden verb that it asks. */
export const completionVerb: Verb = (program, session) => {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('print what a shell needs to complete command lines')
    .addHelpText(
      'after',
      `
Examples:
  casemate completion bash > ~/.local/share/bash-completion/completions/casemate
  casemate completion zsh > ~/.zfunc/_casemate
  casemate completion fish > ~/.config/fish/completions/casemate.fish`,
    )
    .action(async (shell: string) => {
      const { completionScript } = await import('../completion.ts')
      session.terminal.print(completionScript(shell))
    })
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const { completions } = await import('../completion.ts')
      for (const candidate of await completions(program, words)) session.terminal.print(candidate)
    })
}
