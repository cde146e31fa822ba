import { fieldsOf, GROUP_NAMES, GROUPS, isRecordName, RECORDS } from './fact-shapes.ts'

/** The tables of the documentation: the groups of facts, and the fields of each record, in Markdown. */
export function factTables(): string {
  const groups = GROUP_NAMES.map((name) => row(name, GROUPS[name].type, GROUPS[name].means))
  const records = Object.keys(RECORDS)
    .filter(isRecordName)
    .map((name) => {
      const rows = fieldsOf(name).map(([key, { type, means, optional }]) => {
        return row(key, type, optional === true ? `${means}; absent where nobody states it: \`has()\`` : means)
      })
      return `### ${name}\n\n| fact | type | what it is |\n| --- | --- | --- |\n${rows.join('\n')}`
    })
  return [`| group | type | what it is |\n| --- | --- | --- |\n${groups.join('\n')}`, ...records].join('\n\n')
}

function row(name: string, type: string, means: string): string {
  return `| \`${name}\` | \`${type}\` | ${means} |`
}
