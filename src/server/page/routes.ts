import { readFileSync } from 'node:fs'
import { builtFolder } from '#core'
import { sees } from '../access/rights.ts'
import { type Route, route } from '../http/route.ts'
import { IMAGE, PAGING } from '../http/shapes.ts'
import { notThere } from '../record.ts'
import { imagePage, readImage } from './image-page.ts'
import { readStatus } from './read-status.ts'
import { statusPage } from './status-page.ts'

/** What the page may load: our own files, and nothing that stands in it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const ASSETS: Readonly<Record<string, string>> = {
  'frame.css': 'text/css; charset=utf-8',
  'parts.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}

/** The status page and what belongs to it. */
export const pageRoutes: readonly Route[] = [
  route({
    id: 'page',
    method: 'GET',
    at: '/',
    summary: 'The status page',
    group: 'server',
    action: 'read',
    query: {
      type: 'object',
      additionalProperties: false,
      properties: { cursor: PAGING.cursor, find: { type: 'string', title: 'a part of a name', maxLength: 100 } },
    },
    gives: { media: 'text/html' },
    answer: async ({ query: { find = '', cursor }, caller }, serving) => ({
      text: statusPage(await readStatus(serving, caller.images, { find: find.trim().toLowerCase(), cursor })),
      type: 'text/html; charset=utf-8',
      headers: { 'content-security-policy': POLICY },
    }),
  }),
  route({
    id: 'imagePage',
    method: 'GET',
    at: '/images/{image}',
    summary: 'The page of one image',
    group: 'server',
    action: 'read',
    path: { type: 'object', additionalProperties: false, required: ['image'], properties: { image: IMAGE } },
    gives: { media: 'text/html' },
    answer: async ({ path: { image }, caller }, serving) => {
      if (!sees(caller.images, image) || !(await serving.store.images.isKnown(image)))
        throw notThere(`the image ${image}`)
      return {
        text: imagePage(await readImage(serving, image)),
        type: 'text/html; charset=utf-8',
        headers: { 'content-security-policy': POLICY },
      }
    },
  }),
  route({
    id: 'asset',
    method: 'GET',
    at: '/assets/{name}',
    summary: 'A file of the status page',
    group: 'server',
    action: undefined,
    path: {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: { name: { type: 'string', maxLength: 100 } },
    },
    gives: { media: '*/*' },
    answer: async ({ path: { name } }) => {
      const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined
      if (type === undefined) throw notThere(`the file ${JSON.stringify(name)}`)
      return { text: readFileSync(new URL(name, builtFolder('server/assets')), 'utf8'), type }
    },
  }),
]
