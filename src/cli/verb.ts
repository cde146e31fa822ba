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

/** How old advisories may be, and what happens when they are older, or missing. */
export interface StaleOptions {
  readonly maxAge?: string
  readonly stale?: string
}

/** Adds the options of every verb that judges by advisories. */
export function withStaleOptions(command: Command): Command {
  return command
    .option(
      '--max-age <age>',
      "how old advisories may be, e.g. 3d or 36h, in place of each kind's own (CASEMATE_MAX_AGE)",
    )
    .option('--stale <what>', 'missing or older advisories: warn, or error, with status 3 (CASEMATE_STALE)')
}
