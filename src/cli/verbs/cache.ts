import type { Verb } from '../verb.ts'

/** `casemate cache status|prune`: the local cache. */
export const cacheVerb: Verb = (program, session) => {
  const cache = program.command('cache').description('look at the local cache, or make it smaller')
  cache
    .command('status')
    .description('what the cache holds, and where it is')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  casemate cache status')
    .action(async (options) => {
      const { runCacheStatus } = await import('../cache.ts')
      session.end(await runCacheStatus(options, session.terminal))
    })
  cache
    .command('prune')
    .description('remove what was not used for some days; everything in the cache can be had again')
    .option('--days <number>', 'days without use', '30')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  casemate cache prune\n  casemate cache prune --days 0')
    .action(async (options) => {
      const { runCachePrune } = await import('../cache.ts')
      session.end(await runCachePrune(options, session.terminal))
    })
}
