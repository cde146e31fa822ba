import type { Command } from 'commander'
import { type Session, type Verb, withState } from '../verb.ts'

/** `clocks` and `excuse`: how long fixes took, and which may take longer. */
function addClocks(ledger: Command, session: Session): void {
  withState(ledger.command('clocks'))
    .description(
      'print how long fixes took from disclosure and from the fix, and which findings are late by their service level',
    )
    .option('--image <name>', 'only this image')
    .option('--since <age>', 'findings that are open, or came further since then, e.g. 36h, 90d or 52w', '90d')
    .option('--settings <file>', "the factory's settings (default: factory.yaml, where there is one)")
    .option('--all', 'times of each image, and also open findings that are in time or wait for Debian')
    .option('--check', 'status 1 when an open finding is late and not excused')
    .option('--json', 'print everything as JSON, times in milliseconds')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate ledger clocks\n  casemate ledger clocks --image python --since 52w --all',
    )
    .action(async (options) => {
      const { runLedgerClocks } = await import('../ledger-clocks.ts')
      session.end(await runLedgerClocks(options, session.terminal))
    })
  withState(ledger.command('excuse'))
    .argument('<finding>', 'an advisory, or an advisory and a source package in quotes')
    .description('note for good that a finding in an image may take longer than its service level')
    .requiredOption('--image <name>', 'the image')
    .requiredOption('--by <who>', 'who answers for it')
    .requiredOption('--reason <text>', 'why')
    .requiredOption('--until <day>', 'the day from which on it is late again, YYYY-MM-DD')
    .addHelpText(
      'after',
      '\nExample:\n  casemate ledger excuse CVE-2026-1000 --image payments --by ana --reason "no path to it, fixed with 2.0" --until 2027-01-15',
    )
    .action(async (finding: string, options) => {
      const { runLedgerExcuse } = await import('../ledger-clocks.ts')
      session.end(await runLedgerExcuse(finding, options, session.terminal))
    })
}

/** `casemate ledger verify|export|clocks|excuse|backup|restore`: the record of what the factory noticed, decided and did. */
export const ledgerVerb: Verb = (program, session) => {
  const ledger = program.command('ledger').description('the record of what the factory noticed, decided and did')
  withState(ledger.command('verify'))
    .argument('[file]', 'an exported ledger, instead of the one in the database')
    .description('hold every entry against the chain, and checkpoints against keys')
    .option('--key <file...>', 'public keys in PEM of those whose checkpoints are believed')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate ledger verify\n  casemate ledger verify ledger.jsonl --key casemate.pub',
    )
    .action(async (file: string | undefined, options) => {
      const { runLedgerVerify } = await import('../ledger.ts')
      session.end(await runLedgerVerify(file, options, session.terminal))
    })
  withState(ledger.command('export'))
    .description('print every entry and checkpoint as lines of JSON, which anybody can verify')
    .addHelpText('after', '\nExample:\n  casemate ledger export > ledger.jsonl')
    .action(async (options) => {
      const { runLedgerExport } = await import('../ledger.ts')
      session.end(await runLedgerExport(options, session.terminal))
    })
  addClocks(ledger, session)
  withState(ledger.command('backup'))
    .argument('<file>', 'the file to write')
    .description('write everything that the factory remembers to a file, while it goes on')
    .addHelpText('after', '\nExample:\n  casemate ledger backup /srv/backup/casemate.jsonl')
    .action(async (file: string, options) => {
      const { runBackup } = await import('../ledger-backup.ts')
      session.end(await runBackup(file, options, session.terminal))
    })
  withState(ledger.command('restore'))
    .argument('<file>', 'what `casemate ledger backup` wrote')
    .description('take a backup into an empty database, of whatever version of PostgreSQL')
    .addHelpText('after', '\nExample:\n  casemate ledger restore /srv/backup/casemate.jsonl --state ./new-state')
    .action(async (file: string, options) => {
      const { runRestore } = await import('../ledger-backup.ts')
      session.end(await runRestore(file, options, session.terminal))
    })
}
