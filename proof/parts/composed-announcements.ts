import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runShell } from './command.ts'
import type { Behind, DpkgOrder } from './expected-rebuilds.ts'
import { bytesAt } from './staged-mirror.ts'

/** The first number that no list of announcements will have for long. */
const FIRST_NUMBER = 90_001
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Announcements of fixed packages in the syntax of Debian's list: what each package's own changelog says of CVEs since the version that
 * images have, on the day of the upload. `numbers` are made up, all else is the packages' word. Gives the text, the newest first.
 */
export async function composeAnnouncements(
  mirror: string,
  behind: readonly Behind[],
  order: DpkgOrder,
): Promise<{ readonly text: string; readonly sources: number; readonly issues: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-changelogs-'))
  const announced: { readonly date: Date; readonly lines: (number: number) => string; readonly issues: number }[] = []
  try {
    for (const [source, members] of Map.groupBy(behind, ({ to }) => to.source)) {
      const [{ from = '', to } = {}] = members
      if (to === undefined) continue
      const entries = (await changelogOf(mirror, members, folder)).split(/^(?=\S+ \(\S+\) )/m)
      const issues = new Set<string>()
      for (const entry of entries) {
        const version = /^\S+ \((\S+)\) /.exec(entry)?.[1]
        if (version === undefined || !(await order.isNewer(version, from))) break
        for (const [issue] of entry.matchAll(/CVE-[0-9]{4}-[0-9]{4,}/g)) issues.add(issue)
      }
      const date = new Date(/^ -- .*> {2}(.+)$/m.exec(entries[0] ?? '')?.[1] ?? '')
      const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`
      const named = issues.size === 0 ? [] : [`\t{${[...issues].sort().join(' ')}}`]
      announced.push({
        ...{ date, issues: Math.max(1, issues.size) },
        lines: (number) =>
          [
            `[${day}] DSA-${number}-1 ${source} - security update`,
            ...named,
            `\t[trixie] - ${source} ${to.sourceVersion}`,
          ].join('\n'),
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  announced.sort((left, right) => left.date.getTime() - right.date.getTime())
  const texts = announced.map(({ lines }, index) => lines(FIRST_NUMBER + index)).toReversed()
  const issues = announced.reduce((sum, one) => sum + one.issues, 0)
  return { text: `${texts.join('\n')}\n`, sources: texts.length, issues }
}

/** The changelog of a source package by one of its binary packages that has it. */
async function changelogOf(mirror: string, members: readonly Behind[], folder: string): Promise<string> {
  for (const { name, to } of new Map(members.map((one) => [one.name, one])).values()) {
    const deb = join(folder, 'package.deb')
    writeFileSync(deb, await bytesAt(`${mirror}/${to.path}`))
    const line =
      'dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards "./usr/share/doc/$2/changelog.Debian.gz" "./usr/share/doc/$2/changelog.gz" 2> /dev/null | gzip -dc 2> /dev/null || true'
    const text = await runShell(line, deb, name)
    if (/^\S+ \(\S+\) /.test(text)) return text
  }
  throw new Error(`cannot say what was fixed in ${members[0]?.to.source}: no package has its changelog`)
}
