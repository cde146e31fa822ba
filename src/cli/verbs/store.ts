import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate store keep|list|check|prune`: what releases were made of, kept as long as is wanted. */
export const storeVerb: Verb = (program, session) => {
  const store = program.command('store').description('keep what releases were made of: .debs, suites, indexes, locks')
  const keep = store
    .command('keep')
    .argument('<reference>', 'a definition with a lock; with --key, an image in a registry with a recipe')
    .description('keep everything that building it again needs, and references to the sources')
    .option('--dir <dir>', "the store's folder", './store')
    .option('--key <file...>', 'public keys in PEM of those whose recipes are believed')
    .option('--signed-as <repository...>', 'further repositories that the image may have been signed as')
    .option('--json', 'print what is kept as JSON')
  withPlaceOptions(keep)
    .addHelpText(
      'after',
      '\nExamples:\n  casemate store keep ./my-image --dir /srv/store\n  casemate store keep registry.example.org/team/app:1.0 --key casemate.pub --dir /srv/store\n  casemate reproduce registry.example.org/team/app:1.0 --key casemate.pub --store /srv/store --offline',
    )
    .action(async (reference: string, options) => {
      const { runStoreKeep } = await import('../store.ts')
      session.end(await runStoreKeep(reference, options, session.terminal))
    })
  store
    .command('list')
    .argument('[dir]', "the store's folder", './store')
    .description('list the releases that a store keeps')
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExamples:\n  casemate store list /srv/store')
    .action(async (dir: string, options) => {
      const { runStoreList } = await import('../store.ts')
      session.end(await runStoreList(dir, options, session.terminal))
    })
  store
    .command('check')
    .argument('[dir]', "the store's folder", './store')
    .description('read everything again and name what is missing or damaged')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  casemate store check /srv/store')
    .action(async (dir: string, options) => {
      const { runStoreCheck } = await import('../store.ts')
      session.end(await runStoreCheck(dir, options, session.terminal))
    })
  store
    .command('prune')
    .argument('[dir]', "the store's folder", './store')
    .description('let go of releases that need not be kept, and of what no other one needs')
    .option('--last <number>', 'keep so many of the newest of each image and variant; 1 unless said')
    .option('--within <time>', 'keep those that were kept within this time, e.g. 180d')
    .option('--settings <file>', "the factory's settings, whose `retention` counts where neither is said")
    .option('--dry-run', 'say what would go, and remove nothing')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  casemate store prune /srv/store --last 3 --within 180d --dry-run')
    .action(async (dir: string, options) => {
      const { runStorePrune } = await import('../store-prune.ts')
      session.end(await runStorePrune(dir, options, session.terminal))
    })
}
