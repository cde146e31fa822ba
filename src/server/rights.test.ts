import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fillFactory, type TestRequest, testApi, testServers } from '#testkit'
import { ACTIONS, type Action, ROLES } from './access/rights.ts'
import { apiRoutes } from './routes/index.ts'

/** Who may do what, as `docs/api.md` says it. */
const rights: Readonly<Record<(typeof ROLES)[number], readonly Action[]>> = {
  reader: ['read', 'preview', 'export'],
  approver: ['read', 'preview', 'export', 'hold', 'approve'],
  operator: ['read', 'preview', 'export', 'ask', 'hold', 'operate'],
  admin: ['read', 'preview', 'export', 'ask', 'hold', 'operate', 'approve', 'audit', 'tokens'],
}

const servers = testServers()
const shared = (async () => {
  const store = await servers.store({ after }, 'embedded')
  const commands = {
    preview: async () => ({ events: [], images: [], made: '2026-11-22T12:00:00.000Z' }),
    look: async () => true,
    rollback: async (release: number) => release,
  }
  const rates = { token: { burst: 1e6, perSecond: 1 }, notes: { burst: 1e6, perSecond: 1 } }
  return { store, filled: await fillFactory(store), api: await testApi({ after }, store, { commands, rates }) }
})()

/** A request to each route that has an answer, in places where rights are not what is missing. */
async function requests(): Promise<ReadonlyMap<string, { target: string } & TestRequest>> {
  const { filled } = await shared
  const reason = 'because'
  const post = (target: string, body: object, headers = {}) => ({ target, method: 'POST', body, headers })
  const get = (target: string) => ({ target, method: 'GET' })
  return new Map<string, { target: string } & TestRequest>([
    ['listImages', get('/api/v1/images')],
    ['listReleases', get('/api/v1/releases')],
    ['readRelease', get(`/api/v1/releases/${filled.releases['base']}`)],
    ['listFindings', get('/api/v1/images/team-a%2Fapp/findings')],
    ['listAffected', get('/api/v1/affected?archive=debian-13&source=openssl&below=3.5.7-1')],
    ['listEvents', get('/api/v1/events')],
    ['askForRebuild', post('/api/v1/images/base/rebuild', { reason }, { 'idempotency-key': 'one' })],
    ['lookNow', post('/api/v1/notices', { subject: 'debian-13/trixie' })],
    ['listPlans', get('/api/v1/plans')],
    ['previewPlan', post('/api/v1/plans/preview', {})],
    ['readPlan', get(`/api/v1/plans/${filled.plan}`)],
    ['listApprovals', get(`/api/v1/plans/${filled.plan}/approvals`)],
    ['approve', post(`/api/v1/plans/${filled.plan}/approvals`, { image: 'base', approved: true, reason })],
    [
      'excuse',
      post('/api/v1/images/base/excuses', { finding: 'CVE-2026-2000', reason, until: '2026-12-24T00:00:00.000Z' }),
    ],
    ['listRuns', get('/api/v1/runs')],
    ['readRun', get(`/api/v1/runs/${filled.run}`)],
    ['listImagesOfRun', get(`/api/v1/runs/${filled.run}/images`)],
    ['cancelRun', post(`/api/v1/runs/${filled.run}/cancel`, { reason })],
    ['rollBack', post(`/api/v1/releases/${filled.releases['base']}/restore`, { reason })],
    ['listHolds', get('/api/v1/holds')],
    ['placeHold', post('/api/v1/holds', { image: 'base', reason })],
    ['endHold', { target: '/api/v1/holds/99', method: 'DELETE' }],
    ['readLedger', get('/api/v1/ledger')],
    ['exportLedger', get('/api/v1/ledger/export')],
    ['followLedger', { target: '/api/v1/stream', method: 'HEAD' }],
    ['readAtomFeed', get('/api/v1/feed.atom')],
    ['readJsonFeed', get('/api/v1/feed.json')],
    ['whoAmI', get('/api/v1/me')],
    ['listTokens', get('/api/v1/tokens')],
    ['makeToken', post('/api/v1/tokens', { name: 'ci', role: 'reader', images: ['**'] })],
    ['revokeToken', { target: '/api/v1/tokens/9999', method: 'DELETE' }],
    ['readAudit', get('/api/v1/audit')],
    ['health', get('/healthz')],
    ['readiness', get('/readyz')],
    ['metrics', get('/metrics')],
    ['listWarnings', get('/api/v1/warnings')],
  ])
}

test('every route has a request here', async () => {
  assert.deepEqual([...(await requests()).keys()].sort(), apiRoutes.map(({ id }) => id).sort())
})

for (const role of ROLES) {
  for (const action of ACTIONS) {
    const may = rights[role].includes(action)
    test(`${role}: ${action} is ${may ? 'allowed' : 'refused'}`, async () => {
      const { api } = await shared
      const token = await api.token(role)
      const all = await requests()
      const routes = apiRoutes.filter((route) => route.action === action)
      assert.ok(routes.length > 0, `no route is for ${action}`)
      for (const { id } of routes) {
        const { target, ...request } = all.get(id)!
        const { status, body } = await api.ask<{ code?: string }>(target, { ...request, token })
        if (may) assert.ok(status < 300 || (status === 404 && request.method === 'DELETE'), `${id} answers ${status}`)
        else assert.deepEqual([id, status, body.code], [id, 403, 'RIGHT_MISSING'])
      }
    })
  }
}

test('without a token only health is answered, and every other route says that one is needed', async () => {
  const { api } = await shared
  const all = await requests()
  for (const { id, action } of apiRoutes) {
    const { target, ...request } = all.get(id)!
    const { status, headers } = await api.ask(target, request)
    if (action === undefined) assert.equal(status, 200, id)
    else assert.deepEqual([id, status, headers.get('www-authenticate')], [id, 401, 'Bearer realm="casemate"'])
  }
})

test('where reading is open, whoever comes without a token reads and does no more', async (t) => {
  const { store } = await shared
  const api = await testApi(t, store, { isOpen: true })
  const all = await requests()
  for (const { id, action } of apiRoutes) {
    const { target, ...request } = all.get(id)!
    const { status } = await api.ask(target, request)
    const isOpen = action === undefined || rights.reader.includes(action)
    // Nothing is planned by this process.
    assert.equal(status, id === 'previewPlan' ? 503 : isOpen ? 200 : 401, id)
  }
})

test('what concerns everything at once is refused to a token that is not for all images', async () => {
  const { api } = await shared
  const token = await api.token('admin', ['team-a/**', 'base'])
  const all = await requests()
  const whole = [
    'readLedger',
    'exportLedger',
    'listTokens',
    'makeToken',
    'revokeToken',
    'readAudit',
    'lookNow',
    'cancelRun',
  ]
  for (const id of whole) {
    const { target, ...request } = all.get(id)!
    const { status, body } = await api.ask<{ detail: string }>(target, { ...request, token })
    assert.deepEqual([id, status], [id, 403])
    assert.match(body.detail, /for all/)
  }
  const hold = await api.ask('/api/v1/holds', { method: 'POST', body: { image: null, reason: 'x' }, token })
  assert.equal(hold.status, 403)
})
