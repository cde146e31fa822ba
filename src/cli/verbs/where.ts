import { hostPlatform } from '../host-platform.ts'
import type { Verb } from '../verb.ts'

/** `casemate where PKG REF…`: which of these images have a package. */
export const whereVerb: Verb = (program, session) => {
  program
    .command('where')
    .argument(
      '<package>',
      "a binary or source package, with =VERSION, '<VERSION', '<=VERSION', '>=VERSION' or '>VERSION'",
    )
    .argument(
      '<references...>',
      'images: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…; or SBOMs: FILE.json',
    )
    .description('print which of these images have a package; status 1 when none has')
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--json', 'print every image with what it has, for machines')
    .addHelpText(
      'after',
      "\nExamples:\n  casemate where libssl3t64 oci:./out:python oci:./out:nginx\n  casemate where 'openssl<3.5.2' docker://registry.example.org/team/app:1.0 --json",
    )
    .action(async (what: string, references: readonly string[], options) => {
      const { runWhere } = await import('../where.ts')
      session.end(await runWhere(what, references, options, session.terminal))
    })
}
