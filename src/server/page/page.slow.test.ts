import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { fillFactory, heldPackage, releaseOf, type TestApi, testApi, testBrowser, testServers } from '#testkit'

const servers = testServers()
const browser = testBrowser({ after })

/** Opens the page of an API, and gives what the browser complains about as well. */
async function open(
  t: { after(end: () => unknown): void },
  api: TestApi,
  options: BrowserContextOptions & { path?: string } = {},
) {
  const { path = '/', ...rest } = options
  const context = await (await browser).newContext(rest)
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog says ${dialog.message()}`)
    void dialog.dismiss()
  })
  const response = await page.goto(`${api.url}${path}`)
  return { page, complaints, response }
}

async function ownPage(t: TestContext, options: BrowserContextOptions & { path?: string } = {}) {
  // The browser lets go first, then the server, and then the database.
  const ends: (() => unknown)[] = []
  const last = { after: (end: () => unknown) => void ends.unshift(end) }
  t.after(async () => {
    for (const end of ends) await end()
  })
  const store = await servers.store(last, 'embedded')
  await fillFactory(store)
  const api = await testApi(last, store, { isOpen: true, now: () => new Date() })
  return { store, api, last, ...(await open(last, api, options)) }
}

/** Run in the browser: texts that stand out less than 4.5 to 1 from what is behind them. */
const FAINT = `(() => {
  const luminance = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map((part) => {
      const share = Number(part) / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const behind = (element) => {
    if (element === null) return 'rgb(255, 255, 255)'
    const { backgroundColor } = getComputedStyle(element)
    return /^rgba\\(.*, 0\\)$/.test(backgroundColor) ? behind(element.parentElement) : backgroundColor
  }
  return [...document.querySelectorAll('h2, h3, p, li, dd, dt, code, a, time')]
    .map((element) => {
      const [one, other] = [luminance(getComputedStyle(element).color), luminance(behind(element))]
      return { text: element.textContent, ratio: (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) }
    })
    .filter(({ ratio }) => !(ratio >= 4.5))
})()`

const textOf = (page: Page, part: string) => page.locator(`[data-part="${part}"]`).innerText()

for (const javaScriptEnabled of [true, false]) {
  test(`the page says how things stand, ${javaScriptEnabled ? 'with' : 'without'} script`, async (t) => {
    const { page, complaints } = await ownPage(t, { javaScriptEnabled })
    assert.equal(await page.title(), '3 to fix · Casemate')
    assert.match(await textOf(page, 'summary'), /images\s+3\s+findings with a fix\s+3\s+waiting for Debian\s+3\s/)
    const images = await textOf(page, 'images')
    assert.match(
      images,
      /team-a\/app\s+1 with a fix, 1 waiting for Debian\s+1\.0\s+latest\s+podman pull registry\.test:5000\/team-a\/app:1\.0/,
    )
    assert.match(await textOf(page, 'attention'), /CVE-2026-1000 openssl in base\s+fix came \d+ \w+ ago · due in \d+ d/)
    assert.match(await textOf(page, 'attention'), /team-a\/app release week of team a\s+by policy, until/)
    assert.match(
      await textOf(page, 'runs'),
      /Run 1 1 running, 1 failed[\s\S]*base: build\s+team-b\/app: failed: speaks TLS: exit status 1/,
    )
    assert.match(await textOf(page, 'events'), /asked for team-b\/app[\s\S]*archive changed debian-13\/trixie-security/)
    assert.deepEqual(complaints, [])
  })
}

test('the page of an image has what pulls it, its findings with their ways, and its releases', async (t) => {
  const { store, page, complaints } = await ownPage(t, { path: '/images/team-a%2Fapp' })
  assert.equal(await page.locator('h1').innerText(), 'team-a/app')
  assert.match(
    await textOf(page, 'variants'),
    /runtime[\s\S]*podman pull registry\.test:5000\/team-a\/app:1\.0[\s\S]*linux\/amd64[\s\S]*sha256:/,
  )
  const [open, waiting] = await page.locator('[data-part="findings"] tbody tr').allInnerTexts()
  assert.match(
    open ?? '',
    /^CVE-2026-1000 openssl\s+not rated\s+\d+ \w+ ago\s+fix-available after 24 h\s+due in \d+ d$/,
  )
  assert.match(waiting ?? '', /^CVE-2026-2000 libc6\s.*\swaiting for Debian$/)
  assert.match(await textOf(page, 'releases'), /2\s+runtime[\s\S]*1 statement/)
  await page.locator('#live.live').waitFor()
  await store.releases.record([releaseOf('team-a/app', [heldPackage('jq', '1.7')], ['1.1'])])
  await store.ledger.append([{ kind: 'release', subject: 'team-a/app', body: {}, at: new Date().toISOString() }])
  await page.locator('[data-part="variants"]').getByText('1.1', { exact: true }).waitFor({ timeout: 10_000 })
  assert.deepEqual(complaints, [])
})

test('what happens appears without asking, and nothing else is drawn anew', async (t) => {
  const { store, page, complaints } = await ownPage(t)
  await page.locator('#live.live').waitFor()
  await page.locator('[data-part="events"]').evaluate((part) => part.setAttribute('data-mark', 'old'))
  const reason = `a test failed: ${'because of many things '.repeat(20)}`
  await store.decisions.hold({ image: 'base', reason, by: 'me', placed: new Date().toISOString(), until: undefined })
  await store.ledger.append([{ kind: 'hold', subject: 'base', body: {}, at: new Date().toISOString() }])
  await page.locator('details > summary').click({ timeout: 10_000 })
  const [id] = await store.releases.record([releaseOf('fresh/app', [heldPackage('jq', '1.7')])])
  const note = { kind: 'release', subject: 'fresh/app', body: { release: id! }, at: new Date().toISOString() }
  await store.ledger.append([note])
  await page.getByRole('heading', { name: 'fresh/app' }).waitFor({ timeout: 10_000 })
  assert.match(await textOf(page, 'images'), /fresh\/app\s+no open findings known/)
  assert.equal(await page.locator('[data-part="events"]').getAttribute('data-mark'), 'old')
  // What somebody has unfolded stays so, also in a part that is another one now.
  await store.decisions.hold({
    image: 'base',
    reason: 'another',
    by: 'me',
    placed: new Date().toISOString(),
    until: undefined,
  })
  await store.ledger.append([{ kind: 'hold', subject: 'base', body: {}, at: new Date().toISOString() }])
  await page.getByText('another').waitFor({ timeout: 10_000 })
  assert.ok(
    await page
      .locator('details[open]')
      .innerText()
      .then((text) => text.includes(reason.trim())),
  )
  assert.deepEqual(complaints, [])
})

test('a page whose server has stopped says so, and keeps what it had', async (t) => {
  const { api, page } = await ownPage(t)
  await page.locator('#live.live').waitFor()
  api.api.stop()
  await page.getByText('not connected, trying again').waitFor({ timeout: 10_000 })
  assert.match(await textOf(page, 'images'), /team-a\/app/)
})

test('text from outside is text: no name, reason or subject becomes markup or runs', async (t) => {
  const { store, api, last } = await ownPage(t)
  const evil = '<img src=x onerror=alert(1)>"\'</title><script>alert(2)</script>\u202e'
  await store.decisions.hold({
    image: 'base',
    reason: evil,
    by: evil,
    placed: '2026-11-21T12:00:00.000Z',
    until: undefined,
  })
  await store.clocks.record([{ finding: evil, image: 'base', mark: 'fix-available', at: '2020-01-01T00:00:00.000Z' }])
  await store.events.record([
    { kind: 'asked', subject: evil, key: 'evil', payload: null, seen: '2026-11-21T12:00:00.000Z' },
  ])
  await store.releases.record([releaseOf(evil, [heldPackage('jq', '1.7')], [evil])])
  const { page, complaints } = await open(last, api, { path: `/?find=${encodeURIComponent(evil.toLowerCase())}` })
  await page.locator('#live.live').waitFor()
  assert.deepEqual(complaints, [])
  assert.equal(await page.locator('main img, main script').count(), 0)
  const shown = '<img src=x onerror=alert(1)>"\'</title><script>alert(2)</script>\\u202e'
  for (const part of ['attention', 'events', 'images']) assert.ok((await textOf(page, part)).includes(shown), part)
  assert.match(await page.locator('input[name=find]').inputValue(), /onerror/)
})

test('what the page rests on and must not be used is said loudly', async (t) => {
  const { store, page, last } = await ownPage(t)
  assert.equal(await page.locator('[data-part="warnings"]').isVisible(), false)
  const alarm = { kind: 'stale', reason: 'its Date is 9 days old', since: '2026-11-21T12:00:00.000Z' }
  const state = { architectures: [], alarm, alarms: 1 }
  await store.watches.move('archive debian-13/trixie-security', 0, { state, at: alarm.since })
  const other = await testApi(last, store, { isOpen: true, warnings: async () => ['dsa is <stale>'] })
  const { page: loud } = await open(last, other)
  assert.deepEqual(await loud.getByRole('alert').locator('p').allInnerTexts(), [
    'nothing is built from debian-13/trixie-security at present: its Date is 9 days old',
    'dsa is <stale>',
  ])
  assert.deepEqual((await other.ask<{ items: string[] }>('/api/v1/warnings')).body.items.length, 2)
})

test('on a phone and in the dark nothing is cut off, and text stands out from what it is on', async (t) => {
  const { page } = await ownPage(t, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
  const [needed, there] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, window.innerWidth]',
  )
  assert.ok(needed <= there, `the page is ${needed} wide on ${there}`)
  const faint = await page.evaluate<object[]>(FAINT)
  // WCAG 2.2 §1.4.3.
  assert.deepEqual(faint, [])
})

test('images are found by a part of their name, and many are shown in parts', async (t) => {
  const { store, api, page, last } = await ownPage(t)
  await page.getByRole('searchbox').fill('Team-')
  await page.getByRole('searchbox').press('Enter')
  await page.waitForURL(/find=Team-/)
  assert.deepEqual(await page.locator('.images h3').allInnerTexts(), ['team-a/app', 'team-b/app'])
  const many = Array.from({ length: 70 }, (_, number) => `many/${String(number).padStart(2, '0')}`)
  await store.releases.record(many.map((image) => releaseOf(image, [heldPackage('jq', '1.7')])))
  const { page: all } = await open(last, api)
  const first = await all.locator('.images h3').allInnerTexts()
  await all.getByRole('link', { name: 'more images' }).click()
  await all.waitForURL(/cursor=/)
  const rest = await all.locator('.images h3').allInnerTexts()
  assert.deepEqual([...first, ...rest], ['base', ...many, 'team-a/app', 'team-b/app'])
})

test('where reading wants a token, a browser asks for it as a password, and sees what the token is for', async (t) => {
  const { store, last } = await ownPage(t)
  const api = await testApi(last, store, { now: () => new Date() })
  assert.equal((await api.ask('/')).headers.get('www-authenticate'), 'Basic realm="casemate", charset="UTF-8"')
  const password = await api.token('reader', ['team-a/**'])
  const { page, response } = await open(last, api, { httpCredentials: { username: 'me', password } })
  assert.equal(response?.status(), 200)
  await page.locator('#live.live').waitFor()
  const text = await page.locator('body').innerText()
  assert.match(text, /team-a\/app/)
  assert.doesNotMatch(text, /team-b/)
  assert.equal((await page.goto(`${api.url}/images/team-b%2Fapp`))?.status(), 404)
})

test('the page loads our own files only, and an unknown file is not there', async (t) => {
  const { api, response } = await ownPage(t)
  const policy = response?.headers()['content-security-policy'] ?? ''
  assert.match(policy, /default-src 'none'; script-src 'self'/)
  assert.doesNotMatch(policy, /unsafe|https?:|\*/)
  for (const name of ['none.js', '..%2f..%2fpackage.json', '__proto__']) {
    assert.equal((await api.ask(`/assets/${name}`)).status, 404, name)
  }
  assert.equal((await api.ask('/assets/live.js')).headers.get('content-type'), 'text/javascript; charset=utf-8')
})
