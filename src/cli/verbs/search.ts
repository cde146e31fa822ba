import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate search PKG|FILE`: what provides a package or a file. */
export const searchVerb: Verb = (program, session) => {
  const command = program
    .command('search')
    .argument('<text>', 'part of a package name or description; with a slash, a path that a package has')
    .description('find packages by name or description, or by a file in them')
    .option('--archive <name>', 'archive to search', 'debian-13')
    .option(
      '--architecture <name>',
      "Debian's name of the architecture",
      process.arch === 'x64' ? 'amd64' : process.arch,
    )
    .option('--json', 'print the result as JSON')
  withPlaceOptions(command).addHelpText(
    'after',
    '\nExamples:\n  casemate search libssl\n  casemate search /usr/bin/nginx',
  )
  command.action(async (text: string, options) => {
    const { runSearch } = await import('../search.ts')
    session.end(await runSearch(text, options, session.terminal))
  })
}
