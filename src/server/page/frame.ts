import type { StandingLevel } from '#factory'
import type { ImageStanding } from '#store'
import { type Html, html } from './html.ts'
import { ago, since } from './spans.ts'

/** A page of ours around what it says: all of it is in the HTML, its script only keeps it up to date. */
export function framedPage(
  { title, now, version }: { title: string; now: string; version: string },
  main: Html,
): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/frame.css">
<link rel="stylesheet" href="/assets/parts.css">
<link rel="alternate" type="application/atom+xml" href="/api/v1/feed.atom" title="What happened">
<script src="/assets/live.js" defer></script>
</head>
<body>
<header>
<a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="28" height="28">Casemate</a>
<p id="live" role="status">as of ${ago(now, now)}</p>
</header>
<main>
${main}
</main>
<footer><p>Casemate ${version} · <a href="/api/v1/openapi.json">API</a> · <a href="/api/v1/feed.atom">feed</a> · <a href="/metrics">metrics</a></p></footer>
</body>
</html>
`
  return page.toString()
}

/** The line that pulls an image, by the first of its tags. */
export function pullLine(
  { image, tags, digest }: Pick<ImageStanding, 'image' | 'tags' | 'digest'>,
  registry: string,
): Html {
  const [tag] = tags
  return html`<p class="pull"><code>podman pull ${registry}/${image}${tag === undefined ? `@${digest}` : `:${tag}`}</code></p>`
}

/** What is short enough to be read at a glance. */
const GLANCE = 140

/** A text; of a long one its beginning, which unfolds. */
export function folded(text: string): Html {
  if (text.length <= GLANCE) return html`${text}`
  return html`<details><summary>${text.slice(0, GLANCE)}…</summary>${text}</details>`
}

/** A name that leads to the page of its image. */
export function imageLink(image: string): Html {
  return html`<a href="/images/${encodeURIComponent(image)}">${image}</a>`
}

/** How a finding stands to its service level. */
export function levelWords({ state, due, excuse }: StandingLevel, now: string): Html {
  if (due === undefined) return html`waiting for Debian`
  if (excuse !== undefined)
    return html`late, answered for by ${excuse.by} until ${ago(excuse.until, now)}: ${excuse.reason}`
  if (state === 'breached') return html`<strong class="bad">late by ${since(due, now)}</strong>`
  return state === 'warning' ? html`<strong class="warn">due ${ago(due, now)}</strong>` : html`due ${ago(due, now)}`
}
