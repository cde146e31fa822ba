import type { Command } from 'commander'
import type { ExitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'

/** What a verb gets from the command line it was called from. */
export interface Session {
  readonly terminal: Terminal
  /** Sets the status to exit with when the verb ends without an error; `done` unless called. */
  end(status: ExitStatus): void
}

/** Declares a verb with its options and its help. What it does is loaded when it is called. */
export type Verb = (program: Command, session: Session) => void

/** The options of every verb that reads an archive. */
export interface PlaceOptions {
  readonly mirror?: string
  readonly offline?: boolean
  readonly acceptExpired?: boolean
}

/** Adds the options that say where packages come from. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option('--mirror <url>', 'mirror to use: a URL, or KIND=URL,… (CASEMATE_MIRROR has the same form)')
    .option('--offline', 'use the cache only, and say what is missing')
    .option('--accept-expired', 'take suites past their Valid-Until; the output and the lock say so')
}
