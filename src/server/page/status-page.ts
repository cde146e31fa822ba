import { CLOCK_MARKS, type FactoryEvent } from '#factory'
import type { ImageStanding } from '#store'
import type { StandingFinding } from '../findings.ts'
import { folded, framedPage, imageLink, levelWords, pullLine } from './frame.ts'
import { type Html, html } from './html.ts'
import type { HeldImage, ShownRun, Status } from './read-status.ts'
import { ago, since } from './spans.ts'

/** The status page. */
export function statusPage(status: Status): string {
  return framedPage(
    { title: titleOf(status), now: status.now, version: status.version },
    html`${loud(status)}
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
</div>`,
  )
}

function titleOf({ totals }: Status): string {
  return totals.fixable > 0 ? `${totals.fixable} to fix · Casemate` : 'Casemate'
}

function loud({ warnings }: Status): Html {
  return html`<section data-part="warnings"${
    warnings.length === 0 ? html` hidden` : html` class="loud" role="alert"`
  }>${warnings.map((line) => html`<p>${line}</p>`)}</section>`
}

function summary({ totals, now }: Status): Html {
  const { images, open, fixable, oldestFix } = totals
  // Of no image nothing good is known either.
  const tone = fixable > 0 ? 'warn' : images > 0 ? 'good' : ''
  return html`<section data-part="summary" class="summary" aria-label="Summary">
<dl>
<div><dt>${images === 1 ? 'image' : 'images'}</dt><dd>${images}</dd></div>
<div class="${tone}"><dt>findings with a fix</dt><dd>${fixable}</dd></div>
<div><dt>waiting for Debian</dt><dd>${open - fixable}</dd></div>
<div class="${tone}"><dt>oldest fix not yet released</dt><dd>${oldestFix === null ? 'none' : since(oldestFix, now)}</dd></div>
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
<ul class="rows">${fixable.map((one) => fixRow(one, now))}</ul></div>`
}
${
  held.length > 0 &&
  html`<div><h2>Held</h2>
<ul class="rows">${held.map((one) => heldRow(one, now))}</ul></div>`
}
</section>`
}

/** A fix, how far it has come, and how long it may still take. */
function fixRow({ way, level }: StandingFinding, now: string): Html {
  const { finding, image, severity, marks } = way
  const mark = CLOCK_MARKS.findLast((name) => marks[name] !== undefined)
  const at = mark === undefined ? undefined : marks[mark]
  return html`<li><b>${finding}</b>${severity !== undefined && html` <small>${severity}</small>`} in ${imageLink(image)}<span class="side">${
    mark !== undefined && at !== undefined && html`${MARK_WORDS[mark] ?? mark} ${ago(at, now)} · `
  }${levelWords(level, now)}</span></li>`
}

/** Marks as people say them. */
const MARK_WORDS: Readonly<Record<string, string>> = { 'fix-available': 'fix came' }

function heldRow({ image, by, reason, until }: HeldImage, now: string): Html {
  return html`<li><b>${image === undefined ? 'all images' : imageLink(image)}</b> ${folded(reason)}<span class="side">by ${by}${until !== undefined && html`, until ${ago(until, now)}`}</span></li>`
}

function imageList({ images, totals, find, next, registry, now }: Status): Html {
  const more =
    next === undefined
      ? ''
      : html`<p class="more"><a href="/?${new URLSearchParams({ ...(find === '' ? {} : { find }), cursor: next }).toString()}">more images</a></p>`
  return html`<section data-part="images">
<div class="head"><h2>Images</h2>
<form method="get" action="/" role="search"${totals.images === 0 && html` hidden`}><input type="search" name="find" value="${find}" placeholder="find by name" aria-label="find images by name" maxlength="100"></form></div>
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
  return html`<li>
<h3>${imageLink(image)}${variant !== 'runtime' && html` <small>${variant}</small>`}</h3>
<p class="state ${fixable > 0 ? 'warn' : 'good'}">${standing(open, fixable)}</p>
<p class="tags">${tags.map((one) => html`<code>${one}</code> `)}</p>
${pullLine({ image, tags, digest }, registry)}
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
<progress class="${run.failed > 0 ? 'bad' : ''}" max="${all}" value="${run.done + run.failed + run.cancelled}" aria-label="images of run ${run.id} that have ended"></progress>
${
  run.images.length > 0 &&
  html`<ul class="stages">${run.images.map(({ image, end: ended, stages }) => {
    const last = stages.at(-1)
    return html`<li class="${ended === null ? '' : 'bad'}">${image}: ${ended === null ? (last?.stage ?? 'waiting') : folded(`failed: ${ended.reason}`)}</li>`
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
