import { canonicalJson, digestOf, hexOf, type Json, visibleText } from '#core'
import type { Moment } from '../moment.ts'
import type { Message } from './message.ts'

/** What a feed says of itself. Addresses are absolute. */
export interface FeedHead {
  readonly title: string
  /** Where this feed is, in this form. */
  readonly self: string
  /** What it is about, for people. */
  readonly home: string
  /** The URI by which this factory is known: with the same one, entries stay the same. */
  readonly source: string
  /** When there was something last; for a feed without entries. */
  readonly updated: Moment
}

/** Where a message can be read by people; `undefined` where nowhere. */
export type MessageLink = (message: Message) => string | undefined

/** Writes messages, the newest first, as an Atom feed (RFC 4287). */
export function formatAtom(head: FeedHead, messages: readonly Message[], link: MessageLink = () => undefined): string {
  const updated = messages[0]?.at ?? head.updated
  const lines = [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `  <id>${xml(head.self)}</id>`,
    `  <title>${xml(head.title)}</title>`,
    `  <updated>${updated}</updated>`,
    '  <author><name>Casemate</name></author>',
    `  <link rel="self" type="application/atom+xml" href="${xml(head.self)}"/>`,
    `  <link rel="alternate" type="text/html" href="${xml(head.home)}"/>`,
    ...messages.flatMap((message) => atomEntry(message, head.source, link(message))),
    '</feed>',
  ]
  return `${lines.join('\n')}\n`
}

function atomEntry(message: Message, source: string, url: string | undefined): string[] {
  return [
    '  <entry>',
    `    <id>${entryId(message, source)}</id>`,
    `    <title>${xml(message.title)}</title>`,
    `    <updated>${message.at}</updated>`,
    ...(url === undefined ? [] : [`    <link rel="alternate" href="${xml(url)}"/>`]),
    ...categoriesOf(message).map((term) => `    <category term="${xml(term)}"/>`),
    `    <content type="text">${xml(contentOf(message))}</content>`,
    '  </entry>',
  ]
}

/** Writes messages, the newest first, as a JSON Feed 1.1. */
export function formatJsonFeed(
  head: FeedHead,
  messages: readonly Message[],
  link: MessageLink = () => undefined,
): string {
  const feed = {
    version: 'https://jsonfeed.org/version/1.1',
    title: head.title,
    home_page_url: head.home,
    feed_url: head.self,
    authors: [{ name: 'Casemate' }],
    language: 'en',
    items: messages.map((message) => {
      const url = link(message)
      return {
        id: entryId(message, head.source),
        ...(url === undefined ? {} : { url }),
        title: message.title,
        content_text: contentOf(message),
        date_published: message.at,
        tags: categoriesOf(message),
      }
    }),
  }
  return `${JSON.stringify(feed, undefined, 2)}\n`
}

/** The same for the same message in every feed: a UUID of version 8 (RFC 9562) made of its number. */
function entryId({ id }: Message, source: string): string {
  const hex = hexOf(digestOf(canonicalJson(['entry', source, id])))
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16)
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`]
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join('-')}`
}

function categoriesOf({ kind, image, owner, severity }: Message): string[] {
  return [kind, image, owner, severity].filter((one) => one !== undefined)
}

/** The changelog of a release; for anything else what its title says. */
function contentOf({ body, title }: Message): string {
  const markdown = memberOf(body, 'markdown')
  return typeof markdown === 'string' ? markdown : title
}

function memberOf(value: Json, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).find(([name]) => name === key)?.[1]
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** As text of XML 1.0, without the characters that it cannot have. Line feeds stay. */
function xml(text: string): string {
  return text
    .split('\n')
    .map((line) => visibleText(line.toWellFormed()).replace(/[\ufffe\uffff]/g, '\ufffd'))
    .join('\n')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
