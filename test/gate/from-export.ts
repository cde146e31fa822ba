import { isLower } from './order.ts'
import type { Triple } from './triple.ts'

/** Sources of the sample whose one binary package bears their name: the sample names no binary packages. */
const SAME_NAME = ['backupninja', 'chromium', 'txt2man']

/**
 * Labels from the sample of the tracker's own export, which names the versions that each suite had. Read line by line, so
 * that each label quotes the line that proves it.
 */
export function fromExport(text: string, file: string): readonly Triple[] {
  const triples: Triple[] = []
  const at = { source: '', issue: '', release: '', status: '' }
  let versions: { suite: string; version: string }[] = []
  let fixedIn: string | undefined
  let fixLine = { quote: '', number: 0 }
  for (const [index, line] of text.split('\n').entries()) {
    const [, indent = '', key = '', value = ''] = /^( +)"([^"]+)": "?([^"]*)"?,?$/.exec(line) ?? []
    if (indent.length === 2) at.source = key
    if (indent.length === 4) at.issue = key
    if (indent.length === 8 && value === '{') {
      at.release = key
      versions = []
      fixedIn = undefined
    }
    if (indent.length === 12) versions.push({ suite: key, version: value })
    if (key === 'status') at.status = value
    if (key === 'fixed_version') {
      fixedIn = value
      fixLine = { quote: line, number: index + 1 }
    }
    if (key !== 'urgency' || !SAME_NAME.includes(at.source)) continue
    for (const { suite, version } of versions) {
      const proof = fixedIn === undefined ? { quote: line, number: index + 1 } : fixLine
      triples.push({
        ...{ release: at.release, source: at.source, version, binary: at.source, binaryVersion: version },
        ...{ issue: at.issue, ...labelOf(version, { fixedIn, urgency: value }) },
        ...{ quote: proof.quote.trim(), from: `${file}:${proof.number}`, installedFrom: suite },
        traps: fixedIn === undefined ? ['end-of-life'] : /~deb\d+u/.test(fixedIn) ? ['backport-tilde'] : [],
      })
    }
  }
  return triples
}

function labelOf(version: string, { fixedIn, urgency }: { fixedIn: string | undefined; urgency: string }) {
  if (fixedIn !== undefined)
    return { fixedIn, label: isLower(version, fixedIn) ? ('fixed' as const) : ('has-fix' as const) }
  return { label: urgency === 'end-of-life' ? ('end-of-life' as const) : ('open' as const) }
}
