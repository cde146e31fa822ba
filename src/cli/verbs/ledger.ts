import { type Verb, withState } from '../verb.ts'

/** `casemate ledger verify|export|backup|restore`: the record of what the factory noticed, decided and did. */
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
