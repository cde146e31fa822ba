import { Argument, type Command, Option } from 'commander'
import type { AdvisoryKind } from '#advisory'
import { type Session, type Verb, withStaleOptions } from '../verb.ts'

/** The kinds of `ADVISORY_KINDS`, written out so that the help needs no module of the engine. */
const KINDS = ['tracker', 'dsa', 'dla', 'kev', 'epss', 'osv', 'support']

/** `casemate advisories update|import|export|status|show`: what is known to be wrong with packages. */
export const advisoriesVerb: Verb = (program, session) => {
  const advisories = program.command('advisories').description('take in security advisories, and ask them')
  withUpdate(advisories, session)
  withImport(advisories, session)
  withExport(advisories, session)
  withStatus(advisories, session)
  withShow(advisories, session)
}

function withUpdate(advisories: Command, session: Session): void {
  advisories
    .command('update')
    .addArgument(new Argument('[kinds...]', 'what to update, everything unless named').choices(KINDS))
    .description('fetch what has changed of the advisories from their publishers, or from places of your own')
    .option(
      '--source <kind=place,…>',
      "a URL or file in place of the publishers' for a kind, again for each kind (CASEMATE_ADVISORIES has the same form)",
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate advisories update\n  casemate advisories update tracker dsa dla kev epss support\n  casemate advisories update tracker --source tracker=https://mirror.example.org/tracker.json.gz\n\nA part that cannot be had stays as it was; the status is 3 then. Proxies: http_proxy, https_proxy, no_proxy.',
    )
    .action(async (kinds: AdvisoryKind[], options) => {
      const { runAdvisoriesUpdate } = await import('../advisories-update.ts')
      session.end(await runAdvisoriesUpdate(kinds, options, session.terminal))
    })
}

function withImport(advisories: Command, session: Session): void {
  advisories
    .command('import')
    .argument('<file...>', 'files, plain, gzip or xz, zips of OSV records, or folders of OSV files')
    .description('take in advisories from files: each kind replaces what was imported of that kind before')
    .addOption(
      new Option('--kind <kind>', 'what the files are; recognised by their content unless given').choices(KINDS),
    )
    .option('--key <file>', "the signer's public key (PEM), for a file that `advisories export` wrote")
    .option('--insecure-unsigned', 'take a file that `advisories export` wrote without looking at its signature')
    .option('--accept-older', 'take a signed file although the store has newer data')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate advisories import advisories.casemate --key advisories.pub\n  casemate advisories import tracker.json DSA-list DLA-list\n  casemate advisories import known_exploited_vulnerabilities.json epss.csv.gz\n  casemate advisories import --kind osv ./osv',
    )
    .action(async (files: string[], options) => {
      const { runAdvisoriesImport } = await import('../advisories.ts')
      session.end(await runAdvisoriesImport(files, options, session.terminal))
    })
}

function withExport(advisories: Command, session: Session): void {
  advisories
    .command('export')
    .argument('<file>', 'the file to write')
    .description('write all advisories as one signed file, for networks without a way out')
    .option('--key <file>', 'private key to sign with (PEM): Ed25519, or ECDSA on P-256')
    .option('--insecure-unsigned', 'do not sign: whoever hands the file on can change it')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  openssl genpkey -algorithm ed25519 -out advisories.key\n  openssl pkey -in advisories.key -pubout -out advisories.pub\n  casemate advisories export advisories.casemate --key advisories.key',
    )
    .action(async (file: string, options) => {
      const { runAdvisoriesExport } = await import('../advisories-export.ts')
      session.end(await runAdvisoriesExport(file, options, session.terminal))
    })
}

function withStatus(advisories: Command, session: Session): void {
  withStaleOptions(advisories.command('status'))
    .description(
      'what was imported, from where and how old it is; the status is "no" while the tracker is missing or a part is stale',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate advisories status\n  casemate advisories status --max-age 36h --stale error',
    )
    .action(async (options) => {
      const { runAdvisoriesStatus } = await import('../advisories.ts')
      session.end(await runAdvisoriesStatus(options, session.terminal))
    })
}

function withShow(advisories: Command, session: Session): void {
  advisories
    .command('show')
    .argument('<id>', 'a CVE, or the id of a DSA, a DLA or an OSV document')
    .description('everything that the imported advisories say of one issue')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  casemate advisories show CVE-2026-0861\n  casemate advisories show DSA-6189-1',
    )
    .action(async (id: string, options) => {
      const { runAdvisoriesShow } = await import('../advisories-show.ts')
      session.end(await runAdvisoriesShow(id, options, session.terminal))
    })
}
