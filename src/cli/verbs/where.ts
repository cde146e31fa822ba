import { hostPlatform } from '../host-platform.ts'
import { type Verb, withStaleOptions } from '../verb.ts'

/** `casemate where PKG|CVE|DIGEST REF…`: which of these images have a package, an issue, or a layer or file. */
export const whereVerb: Verb = (program, session) => {
  withStaleOptions(program.command('where'))
    .argument(
      '<what>',
      "a binary or source package, with =VERSION, '<VERSION', '<=VERSION', '>=VERSION' or '>VERSION'; an issue: CVE-…, GHSA-…, DSA-…, by the advisories that were imported; or sha256:… of a manifest, config, layer, or file that is visible",
    )
    .argument(
      '<references...>',
      'images: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://…; or SBOMs, but for digests: FILE.json',
    )
    .description(
      'print which of these images have a package, an issue or a digest; status 1 when none has. Images that are known not to have an issue, for they have the fix or are not affected, say so',
    )
    .option('--platform <platform>', 'which image of an index', hostPlatform())
    .option('--json', 'print every image with what it has, for machines')
    .addHelpText(
      'after',
      "\nExamples:\n  casemate where libssl3t64 oci:./out:python oci:./out:nginx\n  casemate where 'openssl<3.5.2' docker://registry.example.org/team/app:1.0 --json\n  casemate where CVE-2026-1000 oci:./out:python oci:./out:nginx app.cdx.json\n  casemate where sha256:$(sha256sum < libcrypto.so.3 | cut -c-64) oci:./out:python",
    )
    .action(async (what: string, references: readonly string[], options) => {
      const { runWhere } = await import('../where.ts')
      session.end(await runWhere(what, references, options, session.terminal))
    })
}
