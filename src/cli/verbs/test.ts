import { hostPlatform } from '../host-platform.ts'
import { type Verb, withSignatory } from '../verb.ts'

/** `casemate test REF`: runs an image's tests in a sandbox. */
export const testVerb: Verb = (program, session) => {
  withSignatory(program.command('test'))
    .argument('<reference>', 'the image: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…')
    .description(
      "run an image's tests in a sandbox, as its declared user on a read-only root; where somebody signs, the result is attached",
    )
    .option('--definition <definition>', 'whose tests to run (default: the catalogue image that the image says it is)')
    .option(
      '--structure-test <file...>',
      "files of container-structure-test's schema 2.0.0 to run: alone, or beside the tests of --definition",
    )
    .option(
      '--compare <old>',
      'run the same tests in an older image as well, and tell what worked there and is broken now: tests, start-up, contract',
    )
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--sandbox <name>', 'bwrap, runc, podman or unshare (default: the first that works here)')
    .option('--junit <file>', 'also write the report as JUnit XML')
    .option(
      '--signed-as <repository>',
      'where somebody signs: the repository that the statement names (default: where the image is)',
    )
    .option(
      '--fresh',
      'run every test anew (default: a result is inherited while all that its test can read is unchanged)',
    )
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate test oci:./out:python\n  casemate test oci:./out:app --definition ./app --sandbox runc --junit report.xml\n  casemate test oci:./out:app --structure-test structure.yaml more.json\n  casemate test oci:./out:app --definition ./app --fresh\n  casemate test --compare docker://registry.example.org/team/app:1.0 oci:./out:app\n  casemate test docker://registry.example.org/team/app:1.0 --key casemate.key',
    )
    .action(async (reference: string, options) => {
      const { runTest } = await import('../test-image.ts')
      session.end(await runTest(reference, options, session.terminal))
    })
}
