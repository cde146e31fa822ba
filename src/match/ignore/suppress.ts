import { parsePurlParts } from '#core'
import { type Finding, type Suppression, subjectOf } from '../finding.ts'
import type { IgnoreRule } from './ignore-file.ts'

/** Findings after rules were applied. */
export interface Suppressed {
  /** All of them, in their order; those that a rule is about say by which. */
  readonly findings: readonly Finding[]
  /** Rules that would have suppressed a finding had they not expired. */
  readonly expired: readonly IgnoreRule[]
}

/**
 * Marks the findings that rules are about. Nothing is taken away. `today` is YYYY-MM-DD, UTC: a rule counts no longer on the
 * day that it names. Of several rules the first counts.
 */
export function suppressFindings(
  findings: readonly Finding[],
  rules: readonly IgnoreRule[],
  today: string,
): Suppressed {
  const expired = new Set<IgnoreRule>()
  const marked = findings.map((finding): Finding => {
    const about = rules.filter((rule) => isAbout(rule, finding))
    for (const rule of about.filter((each) => isOver(each, today))) expired.add(rule)
    const rule = about.find((each) => !isOver(each, today))
    return rule === undefined ? finding : { ...finding, suppression: suppressionOf(rule) }
  })
  return { findings: marked, expired: [...expired] }

  function isOver({ expires }: IgnoreRule, today: string): boolean {
    return expires !== undefined && expires <= today
  }

  function suppressionOf({ place, statement, owner, expires }: IgnoreRule): Suppression {
    return {
      by: 'ignore-file',
      place,
      statement,
      ...(owner === undefined ? {} : { owner }),
      ...(expires === undefined ? {} : { expires }),
    }
  }

  function isAbout(rule: IgnoreRule, finding: Finding): boolean {
    if (rule.id !== finding.cve && !finding.aliases.includes(rule.id)) return false
    if (rule.package !== undefined && !isNamed(rule.package, finding)) return false
    if (rule.purls.length > 0 && !rule.purls.some((purl) => isMeant(purl, finding))) return false
    if (rule.paths.length === 0) return true
    if (finding.kind === 'debian') return false
    // A rule for one place must not hide the same version in another.
    const patterns = rule.paths.map(patternOf)
    return finding.paths.every((path) => patterns.some((pattern) => pattern.test(path.replace(/^\//, ''))))
  }

  /** A finding stands for all binary packages of its source: the name of one of several is not enough. */
  function isNamed(name: string, finding: Finding): boolean {
    if (finding.kind === 'application') return finding.name === name
    return finding.source === name || (finding.packages.length === 1 && finding.packages[0] === name)
  }

  /** Whether a purl means what a finding is about, at its version where it names one; qualifiers say nothing. */
  function isMeant(text: string, finding: Finding): boolean {
    const purl = parsePurlParts(text)
    if (purl === undefined) return false
    if (purl.version !== undefined && purl.version !== subjectOf(finding).version) return false
    if (finding.kind === 'debian') return purl.type === 'deb' && isNamed(purl.name ?? '', finding)
    const own = parsePurlParts(finding.purl)
    return own !== undefined && own.type === purl.type && own.namespace === purl.namespace && own.name === purl.name
  }
}

/** A pattern of paths: `*` is anything within a folder, `**` anything. */
function patternOf(glob: string): RegExp {
  const source = glob.replace(/^\//, '').replace(/\*{2,}\/?|[*?]|[^*?]+/g, (part) => {
    if (part.startsWith('**')) return '.*'
    return part === '*' ? '[^/]*' : part === '?' ? '[^/]' : part.replace(/[\\^$.+()[\]{}|/-]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 'u')
}
