import type { Release } from '#factory'
import type { ImageStanding } from '#store'
import { type StandingFinding, standingFindings } from '../findings.ts'
import type { Serving } from '../serving.ts'
import { framedPage, levelWords, pullLine } from './frame.ts'
import { type Html, html } from './html.ts'
import { ago, spanText } from './spans.ts'

/** Everything that the page of one image shows. */
export interface ImageStatus {
  readonly image: string
  readonly now: string
  readonly version: string
  readonly registry: string
  /** Of each variant. */
  readonly standings: readonly ImageStanding[]
  /** Findings that no release has closed. */
  readonly findings: readonly StandingFinding[]
  readonly hasMore: boolean
  /** The newest first. */
  readonly releases: readonly Release[]
}

const SHOWN = { variants: 20, findings: 300, releases: 20 } as const

/** Reads what the page of an image shows; who asks may see the image. */
export async function readImage(serving: Serving, image: string): Promise<ImageStatus> {
  const { store, registry, version } = serving
  const only = [image]
  const [standings, ways, releases] = await Promise.all([
    store.images.list(only, { after: { image: '', variant: '' }, limit: SHOWN.variants }),
    store.images.findings(image, { after: '', limit: SHOWN.findings + 1, all: false }),
    store.history.releases(only, { before: Number.MAX_SAFE_INTEGER, limit: SHOWN.releases }),
  ])
  const findings = await standingFindings(ways.slice(0, SHOWN.findings), serving)
  const now = serving.now()
  return { image, now, version, registry, standings, findings, hasMore: ways.length > SHOWN.findings, releases }
}

/** The page of one image. */
export function imagePage(status: ImageStatus): string {
  const { image, now, version, standings, registry } = status
  const cards = standings.map(
    (one) => html`<li><h3>${one.variant}</h3>
<p class="tags">${one.tags.map((tag) => html`<code>${tag}</code> `)}</p>
${pullLine(one, registry)}
<p class="meta">released ${ago(one.released, now)} · ${one.platforms.join(', ')}</p>
<p class="meta"><code class="digest">${one.digest}</code></p></li>`,
  )
  const main = html`<h1>${image}</h1>
<section data-part="variants">${
    standings.length === 0 ? html`<p class="empty">Not released yet.</p>` : html`<ul class="images">${cards}</ul>`
  }</section>
${findingTable(status)}
${releaseTable(status)}`
  return framedPage({ title: `${image} · Casemate`, now, version }, main)
}

function findingTable({ findings, hasMore, now }: ImageStatus): Html {
  const rows = findings
    .toSorted(({ level: left }, { level: right }) => ((left.due ?? '~') < (right.due ?? '~') ? -1 : 1))
    .map(
      ({ way, level, segments }) => html`<tr>
<td><b>${way.finding}</b></td>
<td>${way.severity ?? 'not rated'}</td>
<td>${way.marks.disclosed === undefined ? '' : ago(way.marks.disclosed, now)}</td>
<td>${segments.map(({ to, milliseconds }) => html`<span class="step">${to} after ${spanText(milliseconds)}</span> `)}</td>
<td>${levelWords(level, now)}</td>
</tr>`,
    )
  return html`<section data-part="findings">
<h2>Open findings</h2>
${
  rows.length === 0
    ? html`<p class="empty">None is known.</p>`
    : html`<div class="wide"><table><thead><tr><th>finding</th><th>severity</th><th>disclosed</th><th>its way</th><th>service level</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}
${hasMore && html`<p class="empty">And more, in the API.</p>`}
</section>`
}

function releaseTable({ releases, now }: ImageStatus): Html {
  const rows = releases.map(
    ({ id, variant, digest, tags, released, evidence, restores }) => html`<tr>
<td>${id}${restores !== undefined && html`, back to ${restores}`}</td>
<td>${variant}</td>
<td>${ago(released, now)}</td>
<td>${tags.map((tag) => html`<code>${tag}</code> `)}</td>
<td><code class="digest">${digest}</code></td>
<td><a href="/api/v1/releases/${id}">${countOf(evidence)}</a></td>
</tr>`,
  )
  return html`<section data-part="releases">
<h2>Releases</h2>
${
  rows.length === 0
    ? html`<p class="empty">None yet.</p>`
    : html`<div class="wide"><table><thead><tr><th>release</th><th>variant</th><th>released</th><th>tags</th><th>digest</th><th>evidence</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}
</section>`
}

function countOf(evidence: Release['evidence']): string {
  const { length } = Object.keys(evidence)
  return length === 1 ? '1 statement' : `${length} statements`
}
