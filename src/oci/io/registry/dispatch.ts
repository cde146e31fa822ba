import { MAX_DOCUMENT_BYTES } from '../../json-document.ts'
import { CONTENTS_EXTENSION, EXTENSIONS_HEADER } from '../../registry/contents.ts'
import { Refusal } from '../../registry/refusal.ts'
import type { Route } from '../../registry/route.ts'
import { readTagMoves } from '../../registry/tag-moves.ts'
import { removeBlob, sendBlob } from './blob-requests.ts'
import type { Exchange } from './exchange.ts'
import { sendCatalog, sendReferrers, sendTags } from './list-requests.ts'
import { removeManifest, sendManifest, storeManifestRequest } from './manifest-requests.ts'
import { checkRight, unauthorized } from './rights.ts'
import type { Action, Serving } from './serving.ts'
import { beginUpload, cancelUpload, continueUpload, finishUpload, sendProgress } from './upload-requests.ts'

/** What each kind of path can be asked, and the right that it needs. */
const ACTIONS: Readonly<Record<string, Readonly<Record<string, Action>>>> = {
  blob: { GET: 'pull', HEAD: 'pull', DELETE: 'delete' },
  uploads: { POST: 'push' },
  upload: { GET: 'push', PATCH: 'push', PUT: 'push', DELETE: 'push' },
  manifest: { GET: 'pull', HEAD: 'pull', PUT: 'push', DELETE: 'delete' },
  tags: { GET: 'pull', HEAD: 'pull' },
  referrers: { GET: 'pull', HEAD: 'pull' },
}

type RepositoryRoute = Extract<Route, { repository: string }>

/**
 * Answers a request for something in a repository after its rights were checked. Throws a `Refusal` for all else; what
 * somebody may not read is refused alike whether it is there or not.
 */
export async function answerInRepository(exchange: Exchange, serving: Serving, route: RepositoryRoute): Promise<void> {
  const actions = ACTIONS[route.kind] ?? {}
  const action = Object.hasOwn(actions, exchange.method) ? actions[exchange.method] : undefined
  if (action === undefined) {
    const allow = Object.keys(actions).join(', ')
    throw new Refusal('UNSUPPORTED', `cannot ${exchange.method} this; it takes ${allow}`, { headers: { allow } })
  }
  checkRight(exchange, serving, route.repository, action)
  switch (route.kind) {
    case 'blob':
      return exchange.method === 'DELETE' ? removeBlob(exchange, serving, route) : sendBlob(exchange, serving, route)
    case 'uploads':
      return beginUpload(exchange, serving, route.repository)
    case 'upload':
      return answerUpload(exchange, serving, route)
    case 'manifest':
      return answerManifest(exchange, serving, route)
    case 'tags':
      return sendTags(exchange, serving, route.repository)
    case 'referrers':
      return sendReferrers(exchange, serving, route)
  }
}

/** The base of the API says whether it is there, and to a stranger how to say who he is (distribution-spec §end-1). */
export function answerBase(exchange: Exchange, { authority }: Serving): void {
  exchange.response.setHeader(EXTENSIONS_HEADER, CONTENTS_EXTENSION)
  if (!authority.isWelcome(exchange.identity)) throw unauthorized(exchange, authority, undefined)
  exchange.sendJson(200, {}, { 'docker-distribution-api-version': 'registry/2.0' })
}

/** `_catalog` shows whoever asks what he may read; to a stranger it is closed. */
export function answerCatalog(exchange: Exchange, serving: Serving): void {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
    throw new Refusal('UNSUPPORTED', 'cannot do that with the catalogue', { headers: { allow: 'GET, HEAD' } })
  }
  if (!serving.authority.isWelcome(exchange.identity)) {
    throw unauthorized(exchange, serving.authority, 'registry:catalog:*')
  }
  sendCatalog(exchange, serving)
}

/** Moves tags of several repositories together, for whoever may push to each of them: an extension of ours. */
export async function answerTagMoves(exchange: Exchange, serving: Serving): Promise<void> {
  if (exchange.method !== 'POST') {
    throw new Refusal('UNSUPPORTED', 'cannot do that with tags', { headers: { allow: 'POST' } })
  }
  // A stranger is told how to say who he is before he sends anything.
  if (!serving.authority.isWelcome(exchange.identity)) throw unauthorized(exchange, serving.authority, undefined)
  const moves = readTagMoves(await exchange.wholeBody(MAX_DOCUMENT_BYTES))
  for (const repository of new Set(moves.map((move) => move.repository))) {
    checkRight(exchange, serving, repository, 'push')
  }
  const isMoved = await serving.store.moveTagsTogether(moves)
  exchange.sendJson(isMoved ? 200 : 409, { moved: isMoved })
}

function answerUpload(exchange: Exchange, serving: Serving, { repository, id }: { repository: string; id: string }) {
  const upload = serving.uploads.find(repository, id)
  switch (exchange.method) {
    case 'PATCH':
      return continueUpload(exchange, serving, upload)
    case 'PUT':
      return finishUpload(exchange, serving, upload)
    case 'DELETE':
      return cancelUpload(exchange, serving, upload)
    default:
      return sendProgress(exchange, upload)
  }
}

function answerManifest(exchange: Exchange, serving: Serving, route: { repository: string; reference: string }) {
  switch (exchange.method) {
    case 'PUT':
      return storeManifestRequest(exchange, serving, route)
    case 'DELETE':
      return removeManifest(exchange, serving, route)
    default:
      return sendManifest(exchange, serving, route)
  }
}
