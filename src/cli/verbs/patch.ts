import { type Verb, withPlaceOptions } from '../verb.ts'

/** `casemate patch REF`: newer packages in an image that others made. */
export const patchVerb: Verb = (program, session) => {
  withPlaceOptions(program.command('patch'))
    .argument('<image>', 'oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .description(
      'bring the packages of any image that is based on Debian to the newest versions of its release, in one layer on top; nothing of the image runs, and maintainer scripts that apt would run are named',
    )
    .option('-o, --output <reference...>', 'where the patched image goes to; several may be given')
    .option('--load', 'load it into podman or docker')
    .option('--only <packages...>', 'binary or source packages, and what has to go along; all unless given')
    .option('--platform <platforms>', 'which images of an index, with commas between; all unless given')
    .option('--archive <name>', "the archive to take packages from; that of the image's release unless given")
    .option('--archives <folders...>', 'folders with archive files of your own')
    .option('--json', 'print everything, for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate patch docker://registry.example.org/team/app:1.0 -o docker://registry.example.org/team/app:1.0-patched\n  casemate patch oci:./app --only openssl -o oci:./app-patched',
    )
    .action(async (image: string, options) => {
      const { runPatch } = await import('../patch.ts')
      session.end(await runPatch(image, options, session.terminal))
    })
}
