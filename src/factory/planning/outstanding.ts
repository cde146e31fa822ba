import { compareVersions, type DebVersion, satisfies } from '#debian'
import type { Request } from '#solver'
import type { Moment } from '../moment.ts'
import type { Held, PackageChange, Reason } from '../plan.ts'
import type { HeldPackage } from '../release.ts'
import { type PolicySeverity, worstSeverity } from '../settings/severity.ts'
import type { ClosedFinding, CloseFindings } from './closed-findings.ts'
import type { FleetMember } from './fleet.ts'
import type { Offer } from './offers.ts'

/** A source package of which an image lacks a newer version: one reason, with what decides when it counts. */
export interface Outstanding {
  readonly reason: Reason
  /** When the first version was seen that the image lacks, in milliseconds since 1970. */
  readonly seen: number
  /** What its own definition says against it. */
  readonly pinned: Held | undefined
  readonly findings: readonly SeenFinding[]
}

/** A finding that a newer version closes, and since when that version is there. */
export interface SeenFinding {
  /** As clocks name it: the advisory and the source package. */
  readonly finding: string
  readonly advisory: string
  readonly severity: PolicySeverity
  readonly available: Moment
  readonly seen: Moment
}

/** What is newer for one image. */
export interface OutstandingChanges {
  /** What it can take now: of its own packages, and what its parent has already. */
  readonly own: readonly Outstanding[]
  /** What its parent has to take first. */
  readonly inherited: readonly Outstanding[]
}

/** Priorities below this are taken only where a definition names the suite (apt_preferences(5)). */
const USUAL_PRIORITY = 500

interface Lacking {
  readonly held: HeldPackage
  readonly platform: string
  /** The parent's version, where it comes from there. */
  readonly parents: DebVersion | undefined
  readonly offers: readonly Offer[]
  readonly pin: Request | undefined
}

/** Works out what archives have newer for an image. A version that no definition may take is told as pinned. */
export function outstandingChanges(
  member: FleetMember,
  newerThan: (held: HeldPackage) => readonly Offer[] | undefined,
  closes: CloseFindings,
): OutstandingChanges {
  const own: Lacking[] = []
  const inherited: Lacking[] = []
  const below = versionsOfParent(member)
  const requests = Map.groupBy(member.requests, ({ name }) => name)
  const requestsBelow = Map.groupBy(requestsOfParents(member), ({ name }) => name)
  for (const [platform, packages] of member.contents) {
    for (const held of packages) {
      const newer = newerThan(held)
      if (newer === undefined) continue
      const asked = requests.get(held.name)
      const parents = asked === undefined ? below(platform, held) : undefined
      const lacking = { held, platform, parents, ...choose(newer, asked ?? requestsBelow.get(held.name) ?? []) }
      const [newest] = lacking.offers.slice(-1)
      if (newest === undefined) continue
      const there =
        parents === undefined
          ? lacking.offers
          : lacking.offers.filter(({ version }) => compareVersions(version, parents) <= 0)
      if (there.length > 0) own.push({ ...lacking, offers: there })
      if (!there.includes(newest)) inherited.push(lacking)
    }
  }
  const reasonsOf = (list: readonly Lacking[]) =>
    [...Map.groupBy(list, groupOf).values()]
      .map((group) => outstandingOf(group, member, closes))
      .sort((left, right) => ((left.reason.source ?? '') < (right.reason.source ?? '') ? -1 : 1))
  return { own: reasonsOf(own), inherited: reasonsOf(inherited) }
}

function groupOf({ held, pin, parents }: Lacking): string {
  return `${held.archive} ${held.source.name} ${pin?.name ?? ''} ${parents === undefined ? '' : 'parent'}`
}

/** The versions that requests take; where they take none, all of them with the request that refuses. */
function choose(newer: readonly Offer[], asked: readonly Request[]): Pick<Lacking, 'offers' | 'pin'> {
  const allowed = newer.filter((offer) => isOfferedTo(offer, asked))
  const taken = allowed.filter((offer) => refusing(asked, offer) === undefined)
  return taken.length > 0 ? { offers: taken, pin: undefined } : { offers: allowed, pin: refusing(asked, allowed[0]) }
}

/** A suite that is asked for by name is the only one that counts for a package; one of low priority counts only so. */
function isOfferedTo({ suite, priority }: Offer, asked: readonly Request[]): boolean {
  const suites = asked.flatMap((request) => request.suite ?? [])
  return suites.length > 0 ? suites.includes(suite) : priority >= USUAL_PRIORITY
}

/** The request that does not take a version. */
function refusing(asked: readonly Request[], offer: Offer | undefined): Request | undefined {
  return asked.find(({ operator, version }) => offer !== undefined && !satisfies(offer.version, operator, version))
}

/**
 * Which version the parent has of a package that an image has from it: of one in the same or an older version. What is newer
 * in the image is its own.
 */
function versionsOfParent({ above }: FleetMember): (platform: string, held: HeldPackage) => DebVersion | undefined {
  if (above === undefined) return () => undefined
  const versions = versionsIn(above)
  return (platform, { name, architecture, version }) => {
    const below = versions.get(`${platform} ${name} ${architecture}`)
    return below !== undefined && compareVersions(version, below) <= 0 ? below : undefined
  }
}

/** Thousands of images may have one parent: what it has is looked up once, while the fleet is as it is. */
const knownVersions = new WeakMap<FleetMember, ReadonlyMap<string, DebVersion>>()

function versionsIn(member: FleetMember): ReadonlyMap<string, DebVersion> {
  const known = knownVersions.get(member)
  if (known !== undefined) return known
  const versions = new Map<string, DebVersion>()
  for (const [platform, packages] of member.contents) {
    for (const { name, architecture, version } of packages) versions.set(`${platform} ${name} ${architecture}`, version)
  }
  knownVersions.set(member, versions)
  return versions
}

function requestsOfParents({ above }: FleetMember): readonly Request[] {
  return above === undefined ? [] : [...above.requests, ...requestsOfParents(above)]
}

/**
 * What nobody has rated is not taken lightly: a fix counts as high where Debian found it worth a security update, and as
 * medium where it came with others.
 */
function outstandingOf(
  group: readonly Lacking[],
  { contents, parent }: FleetMember,
  closes: CloseFindings,
): Outstanding {
  const [first] = group
  const all = group.flatMap(({ offers }) => offers)
  const newest = all.reduce<Offer | undefined>(newerSource, undefined)
  const oldest = group.reduce<HeldPackage | undefined>(
    (low, { held }) => (low === undefined || compareVersions(held.source.version, low.source.version) < 0 ? held : low),
    undefined,
  )
  if (first === undefined || newest === undefined || oldest === undefined) {
    throw new TypeError('a group of packages that lack something is never empty')
  }
  const { archive, source } = first.held
  const closed = closes({ archive, source: source.name, from: oldest.source.version, to: newest.source.version })
  const isAnnounced = all.some((offer) => offer.isSecurity)
  const unrated = isAnnounced ? 'high' : 'medium'
  const findings = closed.map((one) => ({
    finding: `${one.advisory} ${source.name}`,
    advisory: one.advisory,
    severity: one.isExploited ? ('critical' as const) : (one.severity ?? unrated),
    ...firstWith(one, all, newest),
  }))
  const rated = worstSeverity(findings.map(({ severity }) => severity)) ?? (isAnnounced ? unrated : undefined)
  const reason: Reason = {
    event: newest.event,
    source: source.name,
    ...(first.parents === undefined || parent === undefined ? {} : { parent }),
    advisories: closed.map(({ advisory }) => advisory),
    ...(rated === undefined ? {} : { severity: rated }),
    changes: changesOf(group, contents.size),
  }
  return { reason, seen: Math.min(...all.map(({ seen }) => Date.parse(seen))), pinned: pinnedBy(group), findings }
}

/** When the first version was there and seen that has the fix. */
function firstWith(
  { fixedIn }: ClosedFinding,
  offers: readonly Offer[],
  newest: Offer,
): Pick<SeenFinding, 'available' | 'seen'> {
  const fixed = offers.filter(({ source }) => fixedIn !== undefined && compareVersions(source.version, fixedIn) >= 0)
  const first = (fixed.length > 0 ? fixed : [newest]).reduce((one, other) => (other.seen < one.seen ? other : one))
  return { available: new Date(first.available).toISOString(), seen: first.seen }
}

function pinnedBy(group: readonly Lacking[]): Held | undefined {
  const pin = group.find((one) => one.pin !== undefined)?.pin
  return pin && { by: 'pin', reason: `its definition asks for ${pin.name}${pin.operator}${pin.version}` }
}

function newerSource(best: Offer | undefined, offer: Offer): Offer {
  if (best === undefined) return offer
  return compareVersions(offer.source.version, best.source.version) > 0 ? offer : best
}

/** Each package once; where platforms differ, with those that a change is about. */
function changesOf(group: readonly Lacking[], platforms: number): readonly PackageChange[] {
  const changes = new Map<string, { change: PackageChange; platforms: string[] }>()
  for (const { held, platform, offers } of group) {
    const to = offers.at(-1)?.version
    const key = `${held.name} ${held.version} ${to}`
    const known = changes.get(key)
    if (known !== undefined) known.platforms.push(platform)
    else {
      const change = { package: held.name, from: held.version, ...(to === undefined ? {} : { to }) }
      changes.set(key, { change, platforms: [platform] })
    }
  }
  return [...changes.values()]
    .map(({ change, platforms: on }) => (on.length === platforms ? change : { ...change, platforms: on.sort() }))
    .sort((left, right) => (left.package < right.package ? -1 : Number(left.package > right.package)))
}
