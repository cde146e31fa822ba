import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate catalog list|show|build`: the images that come with Casemate. */
export const catalogVerb: Verb = (program, session) => {
  const catalog = program
    .command('catalog')
    .description('the images that come with Casemate: list them, look at one, build them')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate catalog list --category databases\n  casemate catalog show python\n  casemate catalog build',
    )
  catalog
    .command('list')
    .description('list the images by category')
    .option('--category <name>', 'only the images of one category')
    .option('--json', 'print the list as JSON')
    .action(async (options) => {
      const { runCatalogList } = await import('../catalog-list.ts')
      session.end(await runCatalogList(options, session.terminal))
    })
  catalog
    .command('show')
    .argument('<name>', 'name of a catalogue image')
    .description(
      'show what an image promises: contract, packages, tests, how to run it, how it differs from the official one',
    )
    .option('--json', 'print it as JSON')
    .action(async (name: string, options) => {
      const { runCatalogShow } = await import('../catalog-show.ts')
      session.end(await runCatalogShow(name, options, session.terminal))
    })
  const build = catalog
    .command('build')
    .argument('[names...]', 'names of catalogue images (default: all)')
    .description(
      'build images of the catalogue with all their variants and platforms, sharing what they have in common',
    )
    .option('--variant <list>', 'only these variants, e.g. runtime,dev')
    .option('--platform <list>', 'only these platforms, e.g. linux/amd64')
    .option('-o, --output <reference>', 'oci:DIR, or docker://HOST/PREFIX', 'oci:./catalogue')
    .option('--zstd', 'compress layers with zstd instead of gzip')
    .option('--workers <number>', 'threads to use (default: one a core)')
    .option('--json', 'print the result as JSON')
  withPlaceOptions(build).addHelpText(
    'after',
    `
Examples:
  casemate catalog build
  casemate catalog build python nginx --platform linux/amd64
  casemate catalog build --variant runtime -o docker://registry.example.org/hardened`,
  )
  build.action(async (names: readonly string[], options) => {
    const { runCatalogBuild } = await import('../catalog-build.ts')
    session.end(await runCatalogBuild(names, options, session.terminal))
  })
}
