import { visibleText } from '#core'
import type { DebVersion } from '#debian'
import type { Moment } from '../moment.ts'
import type { Held, Reason } from '../plan.ts'
import type { PolicySeverity } from '../settings/severity.ts'
import { type Changelog, worstClosed } from './changelog.ts'
import { formatChangelog } from './changelog-markdown.ts'
import type { NewMessage } from './message.ts'

/** The image that a message is about. */
export interface ToldImage {
  readonly image: string
  readonly owner?: string
}

/** Names in a title before the rest is counted. */
const NAMED = 3

/** Tells that an image was published, with its changelog as data and as Markdown. */
export function releaseMessage({ owner }: Pick<ToldImage, 'owner'>, changelog: Changelog): NewMessage {
  const { image, variant, to, packages, findings, contract = [] } = changelog
  const severity = worstClosed(changelog)
  const closed = [...new Set((findings?.closed ?? []).map(({ id }) => id))]
  const breaking = contract.filter(({ breaks }) => breaks).length
  const facts = [
    closed.length === 0 ? '' : `closes ${someOf(closed)}`,
    packages.length === 0 ? '' : `${count(packages.length, 'package')} changed`,
    breaking === 0 ? '' : `${count(breaking, 'promise')} of its contract broken`,
    changelog.from === undefined ? 'first release' : '',
  ].filter((fact) => fact !== '')
  const name = [image, variant === 'runtime' ? '' : `(${variant})`, to.tags[0] ?? ''].filter((part) => part !== '')
  return {
    kind: 'release',
    image,
    ...(owner === undefined ? {} : { owner }),
    ...(severity === undefined ? {} : { severity }),
    title: visibleText(`${name.join(' ')} is published: ${facts.join(', ') || 'no package changed'}`),
    body: { changelog, markdown: formatChangelog(changelog) },
    at: to.released,
  }
}

/** Tells that an image is to be rebuilt, and is not for now. */
export function heldMessage(
  { image, owner }: ToldImage,
  { by, reason, until }: Held,
  { plan, reasons, severity, at }: { plan: number; reasons: readonly Reason[]; severity?: PolicySeverity; at: Moment },
): NewMessage {
  return {
    kind: 'held',
    image,
    ...(owner === undefined ? {} : { owner }),
    ...(severity === undefined ? {} : { severity }),
    title: visibleText(`${image} is held by ${by}: ${reason}${until === undefined ? '' : `, until ${until}`}`),
    body: { plan, held: { by, reason, ...(until === undefined ? {} : { until }) }, reasons },
    at,
  }
}

/** Tells that an image could not be made; what was published before stays. */
export function failedMessage(
  { image, owner }: ToldImage,
  { run, reason, severity, at }: { run: number; reason: string; severity?: PolicySeverity; at: Moment },
): NewMessage {
  return {
    kind: 'failed',
    image,
    ...(owner === undefined ? {} : { owner }),
    ...(severity === undefined ? {} : { severity }),
    title: visibleText(`${image} could not be released: ${reason}`),
    body: { run, reason },
    at,
  }
}

/** A finding whose time to be patched is nearly up, or is. */
export interface LateFinding {
  /** As clocks have it, e.g. `CVE-2026-1000 openssl`. */
  readonly finding: string
  readonly severity: PolicySeverity
  /** Since when its clock runs, and when it is up. */
  readonly since: Moment
  readonly due: Moment
  /** The version with the fix, where it is at hand. */
  readonly fix?: DebVersion
}

/** Tells that the time of a finding in an image is nearly up (`warning`) or is (`breach`). */
export function lateMessage(
  kind: 'warning' | 'breach',
  { image, owner }: ToldImage,
  { finding, severity, since, due, fix }: LateFinding,
  at: Moment,
): NewMessage {
  const was = kind === 'breach' ? 'was to be patched by' : 'is to be patched by'
  const fixed = fix === undefined ? '' : `; ${fix} fixes it`
  return {
    kind,
    image,
    ...(owner === undefined ? {} : { owner }),
    severity,
    title: visibleText(`${finding} in ${image} ${was} ${due}${fixed}`),
    body: { finding, since, due, ...(fix === undefined ? {} : { fix }) },
    at,
  }
}

function someOf(names: readonly string[]): string {
  const rest = names.length - NAMED
  return `${names.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
