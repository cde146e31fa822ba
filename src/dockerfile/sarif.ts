import type { Log } from 'sarif'
import type { LintFinding } from './lint.ts'

/** Writes findings of Dockerfiles as SARIF 2.1.0, a result each, what is accepted with its reason. */
export function formatLintSarif(
  tool: { readonly name: string; readonly version: string },
  files: readonly { readonly file: string; readonly findings: readonly LintFinding[] }[],
): string {
  const all = files.flatMap(({ findings }) => findings)
  const rules = new Map(all.map(({ rule, severity, reason, remedy }) => [rule, { severity, reason, remedy }]))
  const log: Log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            ...{ name: tool.name, semanticVersion: tool.version },
            rules: [...rules].map(([id, { severity, reason, remedy }]) => ({
              ...{ id, shortDescription: { text: reason }, help: { text: remedy } },
              defaultConfiguration: { level: severity },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: files.flatMap(({ file, findings }) =>
          findings.map(({ rule, severity, line, message, ignored }) => ({
            ...{ ruleId: rule, ruleIndex: [...rules.keys()].indexOf(rule), level: severity },
            // Brackets would begin a link (SARIF 2.1.0, clause 3.11.6).
            message: { text: message.replace(/[\\[\]]/g, '\\$&') },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: file.split('/').map(encodeURIComponent).join('/') },
                  region: { startLine: line },
                },
              },
            ],
            ...(ignored === undefined
              ? {}
              : { suppressions: [{ kind: 'inSource' as const, status: 'accepted' as const, justification: ignored }] }),
          })),
        ),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}
