import { type Verb, withFactory, withState } from '../verb.ts'

/** `casemate release IMAGE`: publishes images through the factory, or goes back to an earlier release. */
export const releaseVerb: Verb = (program, session) => {
  const release = withFactory(program.command('release'))
    .argument('<image...>', 'names of images of the fleet')
    .description('lock, build, test, gate and publish images, signed and on record, unless they are what they were')
    .option('--update [package...]', 'take these packages as the archive has them now; without names all')
    .option('--rollback [release]', 'give its tags back to an earlier release: this one, or the last that was another')
    .option('--no-hold', 'after --rollback, let the factory release the image again as soon as it has a reason')
    .option('--reason <text>', 'why, for the record')
    .option('--json', 'print what happens as lines of JSON')
    .addHelpText(
      'after',
      `
Examples:
  casemate release python --registry docker://localhost:5000 --key casemate.key
  casemate release base python --update --registry docker://localhost:5000 --key casemate.key
  casemate release python --rollback --reason "breaks logins" --registry docker://localhost:5000 --key casemate.key
  casemate release list python`,
    )
    .action(async (images: string[], options) => {
      if (options.rollback !== undefined) {
        const { runRollback } = await import('../factory/rollback.ts')
        session.end(await runRollback(images, options, session.terminal))
        return
      }
      const { runRelease } = await import('../factory/release.ts')
      session.end(await runRelease(images, options, session.terminal))
    })
  withState(release.command('list'))
    .argument('<image>', 'name of an image')
    .description('list the releases of an image, the newest first')
    .option('--variant <name>', 'of one variant (default: all)')
    .option('--limit <number>', 'how many of each variant at most', '20')
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  casemate release list python')
    .action(async (image: string, _options, command) => {
      const { runReleaseList } = await import('../factory/release-list.ts')
      // Options that the verb itself has as well are its.
      session.end(await runReleaseList(image, command.optsWithGlobals(), session.terminal))
    })
}
