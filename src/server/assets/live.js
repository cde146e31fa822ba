// Keeps the page up to date: the server makes it, this asks for it again when something happened.

const QUIET = 400
const LEAST = 2000
const POLL = 10_000

const live = document.getElementById('live')
let asked = 0
let timer

/** Says times as the server does. */
function spanText(milliseconds) {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ]
  const size = Math.max(0, milliseconds)
  const [name, unit] = units.find(([, length]) => size >= 2 * length) ?? ['s', 1000]
  return `${Math.floor(size / unit)} ${name}`
}

function tellTimes() {
  for (const time of document.querySelectorAll('time[datetime]')) {
    const passed = Date.now() - Date.parse(time.dateTime)
    if (time.dataset.form === 'since') time.textContent = spanText(passed)
    else time.textContent = passed < 0 ? `in ${spanText(-passed)}` : `${spanText(passed)} ago`
  }
}

function addCopyButtons(root) {
  if (navigator.clipboard === undefined) return
  for (const code of root.querySelectorAll('.pull > code:only-child')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = 'copy'
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(code.textContent)
      button.textContent = 'copied'
      setTimeout(() => {
        button.textContent = 'copy'
      }, 1500)
    })
    code.after(button)
  }
}

/** What the server made of a part, whatever time it was then. */
const essence = (part) => part.innerHTML.replace(/(<time[^>]*>)[^<]*/g, '$1')
const made = new Map([...document.querySelectorAll('[data-part]')].map((part) => [part.dataset.part, essence(part)]))

/** Puts each part of the page in place that is another one now; where somebody is typing, what is unfolded and what has the focus stays. */
async function renew() {
  asked = Date.now()
  const response = await fetch(location.href)
  if (!response.ok) return
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  document.title = fresh.title
  for (const part of fresh.querySelectorAll('[data-part]')) {
    const name = part.dataset.part
    const old = document.querySelector(`[data-part="${name}"]`)
    const now = essence(part)
    if (old === null || made.get(name) === now) continue
    const active = old.contains(document.activeElement) ? document.activeElement : null
    if (active?.matches('input')) continue
    const unfolded = new Set([...old.querySelectorAll('details[open] > summary')].map((one) => one.textContent))
    const next = document.adoptNode(part)
    for (const summary of next.querySelectorAll('details > summary')) {
      summary.parentElement.open = unfolded.has(summary.textContent)
    }
    addCopyButtons(next)
    old.replaceWith(next)
    const same = [...next.querySelectorAll(active?.tagName ?? 'none')]
    same.find((one) => one.textContent === active.textContent)?.focus()
    made.set(name, now)
  }
  tellTimes()
}

function renewSoon() {
  clearTimeout(timer)
  timer = setTimeout(() => renew().catch(() => undefined), Math.max(QUIET, asked + LEAST - Date.now()))
}

function follow() {
  const stream = new EventSource('/api/v1/stream')
  stream.addEventListener('open', () => {
    live.textContent = 'live'
    live.classList.add('live')
    renewSoon()
  })
  stream.addEventListener('entry', renewSoon)
  stream.addEventListener('error', () => {
    live.textContent = 'not connected, trying again'
    live.classList.remove('live')
    // A refusal, other than a lost connection, ends an event source for good.
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, POLL)
  })
}

addCopyButtons(document)
tellTimes()
setInterval(tellTimes, 5000)
// How far images of a run have come is no entry of the ledger.
setInterval(() => {
  if (document.querySelector('[data-open]') !== null && !document.hidden) renewSoon()
}, POLL)
follow()
