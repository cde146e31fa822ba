import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CasemateError, type Json } from '#core'
import { LINT_RULES } from '#dockerfile'
import { settingsJsonSchema } from '#factory'
import { definitionJsonSchema, effectSummaries } from '#image'
import { factTables, readDefaultPolicies } from '#policy'
import { imageTestSchema } from '#sandbox'
import { statusOfError } from '../src/cli/exit-status.ts'
import { type ImageFacts, imagePages, readFacts } from './image-pages.ts'

/** A document that is made from the sources; `path` is below the checkout. */
export interface GeneratedDoc {
  readonly path: string
  readonly text: string
}

/** A code of a module's error union with the sentence of its doc comment, empty where it has none. */
export interface DocumentedCode {
  readonly code: string
  readonly meaning: string
}

const NOTICE = '<!-- Made by `npm run docs` from the sources; edit those. -->'

/** Makes every generated document of the checkout at `root`, in path order. */
export async function generatedDocs(root: string): Promise<readonly GeneratedDoc[]> {
  return [
    { path: 'docs/definition.schema.json', text: definitionSchemaText(root) },
    { path: 'docs/effects.md', text: effectsPage(root) },
    { path: 'docs/errors.md', text: errorsPage(root) },
    { path: 'docs/factory.schema.json', text: schemaText(root, 'docs/factory.schema.json', settingsJsonSchema()) },
    { path: 'docs/lint.md', text: lintPage() },
    { path: 'docs/policies.md', text: await policiesPage() },
    ...(await imagePages(root, NOTICE)),
  ]
}

/** Reads the codes of the closed union in a module's `errors.ts`, in the order in which they stand there. */
export function parseErrorCodes(source: string): readonly DocumentedCode[] {
  const union =
    /export type \w+ErrorCode =([\s\S]*?)\n(?=\n|export|\/\*\*\n|\/\*\* Thrown)/.exec(`${source}\n\n`)?.[1] ?? ''
  return [...union.matchAll(/(?:\/\*\*([\s\S]*?)\*\/\s*)?\|?\s*'([A-Z0-9_]+)'/g)].map(
    ([, comment = '', code = '']) => ({
      code,
      meaning: comment.replace(/\s*\n?\s*\*?\s+/g, ' ').trim(),
    }),
  )
}

class Probe extends CasemateError {}

function errorsPage(root: string): string {
  const source = join(root, 'src')
  const sections = readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .flatMap((module) => {
      const codes = readCodes(join(source, module, 'errors.ts'))
      const rows = codes.map(
        ({ code, meaning }) => `| \`${code}\` | ${statusOfError(new Probe(code, ''))} | ${meaning} |`,
      )
      return rows.length === 0
        ? []
        : [`## ${module}\n\n| code | exit | meaning |\n| --- | --- | --- |\n${rows.join('\n')}`]
    })
  return `${NOTICE}

# Errors

Every error that Casemate throws on purpose has one of these codes; it ends the error's line, in brackets. A message reads
"cannot ⟨verb⟩ ⟨object⟩: ⟨reason⟩". Codes are stable, messages are not. The exit status is 2 where the input has to be
changed and 3 where something could not be done; an answer of "no" is not an error and exits with 1.

${sections.join('\n\n')}
`
}

function readCodes(file: string): readonly DocumentedCode[] {
  try {
    return parseErrorCodes(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function effectsPage(root: string): string {
  const rows = effectSummaries().map(({ name, summary }) => `| \`${name}\` | ${summary} |`)
  return `${NOTICE}

# Effects

No maintainer script runs when an image is built. What the scripts would have done, and an image needs, is written by these
effects, in this order; \`casemate explain REF PATH\` names the effect that wrote a path.

| effect | what it writes |
| --- | --- |
${rows.join('\n')}

${scriptsSection(readFacts(root))}
`
}

function lintPage(): string {
  const rows = LINT_RULES.map(
    ({ name, severity, reason, remedy }) =>
      `| \`${name}\` | ${severity} | ${reason} | ${remedy.replaceAll('|', '\\|')} |`,
  )
  return `${NOTICE}

# Linting Dockerfiles

\`casemate lint [FILE…]\` holds Dockerfiles against an allow-list of bases (\`--allow FILE\`) and against rules: every stage, and every image
that files are copied or mounted from. It exits with 1 while an error is left. \`--fix\` writes what is certain, and shows each line: digests of
tags, which it asks registries for, the last user, lists in place of lines of a shell. \`--format sarif\` is for code scanning.

\`\`\`sh
casemate lint --allow allow.yaml
casemate lint --allow allow.yaml --fix Dockerfile
\`\`\`

## Allow-list

\`\`\`yaml
bases:
  - image: registry.example.org/base/* # one star is a part of a path, two are any
    reason: hardened, rebuilt daily
  - image: docker.io/library/debian:13* # and of tags
    digests: ["sha256:0000000000000000000000000000000000000000000000000000000000000000"] # no others
    until: 2027-03-31 # from this day on it allows nothing
    reason: until the build tools have moved
  - image: registry.example.org/data/**
    signer: { identity: "release@example.org", issuer: "https://accounts.example.org" } # or key: a public key in PEM
    reason: the data team's own
\`\`\`

The same file says what \`casemate gate --allow FILE\` takes as base of a finished image, where a \`signer\` is verified as well, and
\`casemate policy export\` writes it for Kyverno and for BuildKit. A short name is one of Docker Hub: \`debian\` is \`docker.io/library/debian\`.

## Rules

| rule | severity | why | what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
| \`ignore-reasoned\` | error | Who comes next cannot tell whether it still holds. | Write \`# casemate ignore=RULE why\`. |

A comment \`# casemate ignore=RULE,RULE why\` above an instruction accepts what it breaks; it stays in \`--json\` and SARIF with its reason.
`
}

async function policiesPage(): Promise<string> {
  const { policies } = await readDefaultPolicies()
  const rows = policies.map(({ name, severity, reason }) => `| \`${name}\` | ${severity} | ${reason} |`)
  return `${NOTICE}

# Policies

\`casemate gate REF\` holds an image against policies. Each gives a verdict: *passed*; *not applicable*, where its \`when\` is false;
*refused*, with what is wrong, why that matters and what to do; or *undecided*, with a code, where a fact could not be established or the
expression erred or took too long. Undecided never passes. The exit status is 0 where all gates are open, 1 where one refuses, 3
where none refuses but one is undecided, and 2 for wrong use.

\`\`\`sh
casemate gate registry.example.org/team/app:1.0 --key casemate.pub
casemate gate oci:./out:app --policy default team.yaml --exceptions exceptions.yaml --tests tests.json
casemate policy test team.yaml
\`\`\`

## The default set

\`policies/default.yaml\`; \`casemate policy list --json\` prints the expressions.

| policy | severity | why |
| --- | --- | --- |
${rows.join('\n')}

Things are *declared* by the image's definition, where it is at hand: \`--definition\`, or the catalogue's that the image's label names.
A file is declared when its package is asked for by name, its path is the definition's own, or the catalogue states why the image departs
from its rules; a setuid bit only by a path of the definition that has it.
A label can be written by anybody: it chooses among the catalogue's definitions and their variants, no more, and what others built on
an image of ours is held to what holds for a runtime, whichever variant it started from. Who must not rely on labels
names the definition, and asks for signatures by \`--key\`.

Findings go by advisories that are there and fresh (\`casemate advisories update\`), or by the archive where there are none
(\`--evidence\`). Stale or missing advisories leave them unknown, unless \`--stale warn\` takes them all the same. Tests count
where their result is attached and believed, or comes by \`--tests\` from \`casemate test REF --json\`. What VEX documents of others call
harmless counts as accepted (\`--vex FILE\`). Who is believed is said as for \`casemate verify\`: by keys, or identities and their issuer.

Some policies are asked only where there is something to compare: \`contract-kept\` with the release before (\`--previous REF\`),
\`base-allowed\` with an allow-list (\`--allow FILE\`, [lint.md](lint.md)). What an image was built on, its layers prove: the diff IDs of
the lowest are the base's. Where the base is to be found, annotations \`org.opencontainers.image.base.name\` and \`base.digest\` say, or labels
of that name, or \`--base REF\` (a copy in a folder will do, by its digest). A base that cannot be read is no pass. Secrets are looked for in every layer, also in files that
a later one deletes; a file that is as its Debian package ships it is public, and no secret.

## Writing policies

\`\`\`yaml
policies:
  - name: high-ports
    severity: error # or warning: it is told, and refuses nothing
    when: image.variant == "runtime" # where it applies; everywhere without
    expression: config.ports.filter(p, p in values.low).map(p, p + " is for root")
    values: { low: [80/tcp, 443/tcp] }
    reason: An ordinary user cannot listen there.
    remedy: Listen on 8080.
    tests:
      - { name: no port passes, expect: passed }
      - { name: port 80 is refused, facts: { config: { ports: [80/tcp] } }, expect: refused, contains: 80/tcp }
      - { name: a dev variant may, facts: { image: { variant: dev } }, expect: not-applicable }
      - { name: without its config nobody knows, unknown: [config], expect: refused }
\`\`\`

An expression is CEL. It gives a bool, true where the image passes, or a list of texts that say what is wrong, empty where it
passes. It is checked against the facts below when the file is read. A test's facts replace those of a sound image: maps are
merged, lists replaced. \`--policy\` takes files in place of the default set; \`default\` stands for it.

## Exceptions

\`\`\`yaml
exceptions:
  - policy: no-shell
    subject: registry.example.org/team/* # a star is one part of the path, two are any; or a digest
    owner: team-app
    reason: the start script needs it until the rewrite
    expires: 2027-03-31 # from this day on it excepts nothing, and that is told
\`\`\`

What is excepted stays listed with its violations, and stands in the signed summary (\`--attest\`) with its owner.

## Facts

${factTables()}
`
}

/** Every maintainer script of the catalogue, one row a package and script; debconf and removal need no row. */
function scriptsSection({ date, scripts }: ImageFacts): string {
  const rows = scripts
    .filter(({ script }) => script === 'preinst' || script === 'postinst')
    .map(
      (one) =>
        `| \`${one.package}\` | ${one.script} | ${one.class} | ${[...new Set(one.by.flatMap((text) => text.split('; ')))].join('; ').replaceAll('|', '\\|')} |`,
    )
  const open = scripts.filter((one) => one.class === 'open').length
  return `## Maintainer scripts of the catalogue

As of ${date}: ${rows.length} scripts that run at installation, ${open} of them open. \`config\`, \`prerm\` and \`postrm\` are needless in an
image everywhere: debconf's default answers are taken, and nothing is removed from an image.

| package | script | class | by |
| --- | --- | --- | --- |
${rows.join('\n')}`
}

/** The definition's schema with that of its tests in it, for editors that complete and check YAML. */
function definitionSchemaText(root: string): string {
  const test: Json = JSON.parse(JSON.stringify(imageTestSchema))
  return schemaText(root, 'docs/definition.schema.json', definitionJsonSchema(test))
}

function schemaText(root: string, path: string, schema: Json): string {
  const biome = join(root, 'node_modules', '.bin', 'biome')
  const options = { cwd: root, input: JSON.stringify(schema), encoding: 'utf8' } as const
  return execFileSync(biome, ['format', `--stdin-file-path=${path}`], options)
}
