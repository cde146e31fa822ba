import type { FactoryEvent } from '#factory'
import type { ImageStanding } from '#store'
import { type Html, html } from './html.ts'
import type { HeldImage, ShownRun, Status } from './read-status.ts'
import { ago, since } from './spans.ts'

/** The status page: everything that it says is in the HTML; its script only keeps it up to date. */
export function statusPage(status: Status): string {
  const { version, now } = status
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${titleOf(status)}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/page.css">
<link rel="alternate" type="application/atom+xml" href="/api/v1/feed.atom" title="What happened">
<script src="/assets/live.js" defer></script>
</head>
<body>
<header>
<a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="28" height="28">Casemate</a>
<p id="live" role="status">as of ${ago(now, now)}</p>
</header>
<main>
${summary(status)}
<div class="desk">
<div>
${attention(status)}
${imageList(status)}
</div>
<aside>
${runList(status)}
${eventList(status)}
</aside>
</div>
</main>
<footer><p>Casemate ${version} · <a href="/api/v1/openapi.json">API</a> · <a href="/api/v1/feed.atom">feed</a> · <a href="/metrics">metrics</a></p></footer>
</body>
</html>
`
  return page.toString()
}

function titleOf({ totals }: Status): string {
  return totals.fixable > 0 ? `${totals.fixable} to fix · Casemate` : 'Casemate'
}

function summary({ totals, now }: Status): Html {
  const waiting = totals.open - totals.fixable
  return html`<section data-part="summary" class="summary" aria-label="Summary">
<dl>
<div><dt>${totals.images === 1 ? 'image' : 'images'}</dt><dd>${totals.images}</dd></div>
<div class="${totals.fixable > 0 ? 'warn' : 'good'}"><dt>findings with a fix</dt><dd>${totals.fixable}</dd></div>
<div><dt>waiting for Debian</dt><dd>${waiting}</dd></div>
<div class="${totals.oldestFix === null ? 'good' : 'warn'}"><dt>oldest fix not yet released</dt><dd>${totals.oldestFix === null ? 'none' : since(totals.oldestFix, now)}</dd></div>
</dl>
</section>`
}

/** What somebody may have to look at: fixes that are on their way, and images that are held. Nothing where there is neither. */
function attention({ fixable, held, now }: Status): Html {
  if (fixable.length === 0 && held.length === 0) return html`<section data-part="attention" hidden></section>`
  return html`<section data-part="attention" class="columns">
${
  fixable.length > 0 &&
  html`<div><h2>Fixes on their way</h2>
<ul class="rows">${fixable.map(
    ({ image, finding, marks }) =>
      html`<li><b>${finding}</b> in ${image}<span class="side">fix ${marks['fix-available'] === undefined ? '' : ago(marks['fix-available'], now)}${
        marks.disclosed !== undefined && html`, disclosed ${ago(marks.disclosed, now)}`
      }</span></li>`,
  )}</ul></div>`
}
${
  held.length > 0 &&
  html`<div><h2>Held</h2>
<ul class="rows">${held.map((one) => heldRow(one, now))}</ul></div>`
}
</section>`
}

function heldRow({ image, by, reason, until }: HeldImage, now: string): Html {
  return html`<li><b>${image ?? 'all images'}</b> ${reason}<span class="side">by ${by}${until !== undefined && html`, until ${ago(until, now)}`}</span></li>`
}

function imageList({ images, totals, find, next, registry, now }: Status): Html {
  const more =
    next === undefined
      ? ''
      : html`<p class="more"><a href="/?${new URLSearchParams({ ...(find === '' ? {} : { find }), cursor: next }).toString()}">more images</a></p>`
  return html`<section data-part="images">
<div class="head"><h2>Images</h2>
<form method="get" action="/" role="search"><input type="search" name="find" value="${find}" placeholder="find by name" aria-label="find images by name" maxlength="100"></form></div>
${
  images.length === 0
    ? html`<p class="empty">${
        totals.images === 0
          ? 'No image has been released yet. The first ones appear here when they are built, tested and signed.'
          : `No image has “${find}” in its name.`
      }</p>`
    : html`<ul class="images">${images.map((image) => imageCard(image, registry, now))}</ul>`
}
${more}
</section>`
}

function imageCard(
  { image, variant, tags, released, platforms, open, fixable, digest }: ImageStanding,
  registry: string,
  now: string,
): Html {
  const tag = tags[0]
  const place = `${registry}/${image}`
  return html`<li>
<h3>${image}${variant !== 'runtime' && html` <small>${variant}</small>`}</h3>
<p class="state ${fixable > 0 ? 'warn' : 'good'}">${standing(open, fixable)}</p>
<p class="tags">${tags.map((one) => html`<code>${one}</code> `)}</p>
<p class="pull"><code>podman pull ${tag === undefined ? `${place}@${digest}` : `${place}:${tag}`}</code></p>
<p class="meta">released ${ago(released, now)} · ${platforms.join(', ')}</p>
</li>`
}

function standing(open: number, fixable: number): string {
  const waiting = open - fixable
  const fixes = fixable === 0 ? '' : `${fixable} with a fix`
  const others = waiting === 0 ? '' : `${waiting} waiting for Debian`
  return [fixes, others].filter(Boolean).join(', ') || 'no open findings known'
}

function runList({ runs, now }: Status): Html {
  const isOpen = runs.some(({ ended }) => ended === null)
  return html`<section data-part="runs"${isOpen && html` data-open`}>
<h2>Runs</h2>
${runs.length === 0 ? html`<p class="empty">Nothing was run yet.</p>` : html`<ul class="rows">${runs.map((run) => runRow(run, now))}</ul>`}
</section>`
}

const RUN_STATES = ['done', 'running', 'waiting', 'failed', 'cancelled'] as const

function runRow(run: ShownRun, now: string): Html {
  const all = RUN_STATES.reduce((sum, state) => sum + run[state], 0)
  const words = RUN_STATES.filter((state) => run[state] > 0).map((state) => `${run[state]} ${state}`)
  const end = run.ended === null ? html`began ${ago(run.started, now)}` : html`ended ${ago(run.ended, now)}`
  return html`<li><b>Run ${run.id}</b> ${words.join(', ')}${
    run.cancelledBy !== null && html`, given up by ${run.cancelledBy.by}: ${run.cancelledBy.reason}`
  }<span class="side">${end}</span>
<progress max="${all}" value="${run.done + run.failed + run.cancelled}" aria-label="images of run ${run.id} that have ended"></progress>
${
  run.images.length > 0 &&
  html`<ul class="stages">${run.images.map(({ image, end: ended, stages }) => {
    const last = stages.at(-1)
    return html`<li class="${ended === null ? '' : 'bad'}">${image}: ${ended === null ? (last?.stage ?? 'waiting') : `failed: ${ended.reason}`}</li>`
  })}</ul>`
}
</li>`
}

function eventList({ events, now }: Status): Html {
  return html`<section data-part="events">
<h2>Events</h2>
${
  events.length === 0
    ? html`<p class="empty">Nothing was noticed yet.</p>`
    : html`<ul class="rows">${events.map(({ kind, subject, seen }: FactoryEvent) => html`<li><b>${EVENT_WORDS[kind] ?? kind}</b> ${subject}<span class="side">${ago(seen, now)}</span></li>`)}</ul>`
}
</section>`
}

/** Kinds of events as people say them. */
const EVENT_WORDS: Readonly<Record<string, string>> = {
  'archive-changed': 'archive changed',
  'archive-alarm': 'archive not to be used',
  'archive-recovered': 'archive in order again',
  'advisory-changed': 'advisory changed',
  'definition-changed': 'definition changed',
  'parent-released': 'parent released',
  'base-changed': 'base changed',
  'support-ended': 'support ended',
  'end-of-life': 'end of life',
  asked: 'asked for',
}
