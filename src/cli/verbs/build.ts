import { type Verb, withPlaceOptions, withSignatory } from '../verb.ts'

/** `casemate build DEF`: definition and lock to image. */
export const buildVerb: Verb = (program, session) => {
  const command = program
    .command('build')
    .argument('<definition>', 'name of a catalogue image, or path of a definition')
    .description(
      'build an image from a definition, and from its lock where there is one; where somebody signs, with all that can be said of it',
    )
    .option('--variant <name>', 'variant to build', 'runtime')
    .option('--platform <list>', 'platforms, e.g. linux/amd64,linux/arm64 (default: those of the definition)')
    .option(
      '-o, --output <reference...>',
      'where to: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker://…; {image} is its name (default: oci:./out:{image})',
    )
    .option('--only <base...>', 'of a definition on several bases, only the images on these')
    .option('--load', 'load the image into podman or docker')
    .option('--zstd', 'compress layers with zstd instead of gzip')
    .option('--xz', "decode packages by this machine's xz, after a check that it gives the same bytes")
    .option('--workers <number>', 'threads to use (default: one a core)')
    .option('--json', 'print the result as JSON')
  withSignatory(withPlaceOptions(command)).addHelpText(
    'after',
    `
Examples:
  casemate build python
  casemate build ./my-image --platform linux/amd64 -o docker://registry.example.org/team/app:1.0
  casemate build ./my-image -o docker://registry.example.org/team/app:1.0 --key casemate.key
  casemate build ./corporate --only python java-21 -o docker://registry.example.org/team/{image}:1.0
  casemate build nginx --variant dev -o oci-archive:nginx-dev.tar`,
  )
  command.action(async (reference: string, options) => {
    const { runBuild } = await import('../build.ts')
    session.end(await runBuild(reference, options, session.terminal))
  })
}
