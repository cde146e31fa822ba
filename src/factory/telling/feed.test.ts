import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { formatAtom, formatJsonFeed } from './feed.ts'
import type { Message } from './message.ts'

const head = {
  title: 'python & friends',
  self: 'https://images.example.org/feeds/python.atom?a=1&b=2',
  home: 'https://images.example.org/',
  source: 'https://images.example.org',
  updated: '2026-11-22T13:00:00.000Z',
}
const messages: readonly Message[] = [
  {
    id: 2,
    kind: 'failed',
    image: 'python',
    title: 'python <b>could not</b> be made: "\u0000\ud800" ]]>',
    body: { run: 1 },
    at: '2026-11-22T12:00:00.000Z',
  },
  {
    id: 1,
    kind: 'release',
    image: 'python',
    owner: 'team',
    severity: 'high',
    title: 'python 3.13 is published',
    body: { markdown: '## python\n\n| a | b |\n' },
    at: '2026-11-21T12:00:00.000Z',
  },
]
const link = ({ id }: Message) => (id === 1 ? 'https://images.example.org/releases/1?x&y' : undefined)

/** What Debian's feedparser, an independent reader of feeds, makes of one. */
function read(feed: string) {
  const program = `
import feedparser, json, sys
found = feedparser.parse(sys.stdin.buffer.read())
print(json.dumps({
  "bozo": found.bozo and str(found.bozo_exception), "version": found.version,
  "id": found.feed.id, "title": found.feed.title, "updated": found.feed.updated,
  "links": [[one.rel, one.href] for one in found.feed.links],
  "entries": [{ "id": one.id, "title": one.title, "updated": one.updated, "content": one.content[0].value,
    "link": one.get("link"), "tags": [tag.term for tag in one.get("tags", [])] } for one in found.entries],
}))`
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', program], { input: feed, encoding: 'utf8' }))
}

test('an Atom feed is read by others as it is meant', () => {
  const feed = formatAtom(head, messages, link)
  execFileSync('xmllint', ['--noout', '-'], { input: feed })
  const found = read(feed)
  assert.deepEqual([found.bozo, found.version], [false, 'atom10'])
  assert.deepEqual([found.id, found.updated], [head.self, messages[0]?.at])
  assert.deepEqual(found.links, [
    ['self', head.self],
    ['alternate', head.home],
  ])
  const [failed, released] = found.entries
  assert.equal(released.content, '## python\n\n| a | b |')
  assert.equal(released.link, 'https://images.example.org/releases/1?x&y')
  assert.deepEqual(released.tags, ['release', 'python', 'team', 'high'])
  assert.match(released.id, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(failed.content, /python <b>could not<\/b> be made: "\\u0000\ufffd" \]\]>/)
  assert.notEqual(failed.id, released.id)
})

test('a feed without entries says when it was made', () => {
  const found = read(formatAtom(head, []))
  assert.deepEqual([found.bozo, found.updated, found.entries], [false, head.updated, []])
})

test('a JSON feed says the same under the same ids', () => {
  const feed = JSON.parse(formatJsonFeed(head, messages, link))
  assert.equal(feed.version, 'https://jsonfeed.org/version/1.1')
  assert.deepEqual([feed.title, feed.home_page_url, feed.feed_url], [head.title, head.home, head.self])
  const atom = read(formatAtom(head, messages, link))
  assert.deepEqual(
    feed.items.map(({ id }: { id: string }) => id),
    atom.entries.map(({ id }: { id: string }) => id),
  )
  for (const item of feed.items) {
    assert.equal(typeof item.content_text, 'string')
    assert.equal(new Date(item.date_published).toISOString(), item.date_published)
  }
  assert.equal(feed.items[0].url, undefined)
  assert.deepEqual(feed.items[1].tags, ['release', 'python', 'team', 'high'])
})
