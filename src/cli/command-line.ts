import { Command, CommanderError } from 'commander'
import { type ExitStatus, exitStatus, formatError, statusOfError } from './exit-status.ts'
import { openTerminal } from './terminal.ts'
import { verbs } from './verbs/index.ts'
import { packageVersion } from './version.ts'

/** Runs one command line, without the program's own name, and gives the status to exit with. Writes all errors itself. */
export async function runCommandLine(args: readonly string[]): Promise<ExitStatus> {
  const terminal = openTerminal()
  let status: ExitStatus = exitStatus.done
  const program = new Command('casemate')
    .description('Builds minimal, reproducible, explained container images from unmodified Debian packages.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError(true)
    .exitOverride()
  for (const verb of verbs) {
    verb(program, {
      terminal,
      end: (ended) => {
        status = ended
      },
    })
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.wrongUse
    terminal.progress('')
    console.error(formatError(error))
    return statusOfError(error)
  }
}
