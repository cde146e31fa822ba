import { digestOf } from '#core'
import { contentsDigest, eventKey, type HeldPackage, type NewRelease } from '#factory'
import type { OpenStore } from '../store.ts'

const at = '2026-11-21T12:00:00.123Z'
const later = '2026-11-21T12:05:00.000Z'

function releases(): NewRelease[] {
  const held = (name: string): HeldPackage => ({
    archive: 'debian-13',
    name,
    version: '1:2~rc1-3',
    architecture: 'amd64',
    source: { name, version: '1:2~rc1-3' },
  })
  const base = [held('libc6'), held('openssl')]
  const common = {
    variant: 'runtime',
    lock: digestOf('lock'),
    tags: ['1', 'latest'],
    evidence: { vex: digestOf('vex') },
    released: at,
  }
  const manifest = (packages: HeldPackage[]) => ({ platform: 'linux/amd64', digest: digestOf('m'), packages })
  return [
    { ...common, image: 'base', digest: digestOf('1'), manifests: [manifest(base)] },
    {
      ...common,
      image: 'app',
      digest: digestOf('2'),
      manifests: [{ ...manifest([base[1]!, held('jq')]), base: contentsDigest(base) }],
    },
  ]
}

/** Records something in every table. */
export async function fillHistory(store: OpenStore): Promise<void> {
  const { events, plans, runs, work, releases: log, decisions, clocks, ledger, tokens, audit } = store
  const payload = {
    text: 'a "quote", a \\, a ü, a \u2028 and a \n',
    list: [1, null, true, -0, { deep: [] }],
    big: Number.MAX_SAFE_INTEGER,
  }
  const notices = Array.from({ length: 1200 }, (_, n) => ({
    kind: 'asked' as const,
    subject: `s${n}`,
    key: eventKey('asked', 's', n),
    payload,
    seen: at,
  }))
  const [event] = await events.record(notices)
  const reasons = [{ event: event!.id, advisories: [], changes: [] }]
  const plan = await plans.record({
    events: [event!.id],
    images: [{ image: 'app', after: ['base'], reasons, held: undefined }],
    made: at,
  })
  const run = await runs.start(plan, at)
  const stage = { run, image: 'app', stage: 'build', attempt: 1, input: digestOf('in'), worker: 'w', at } as const
  await runs.record([
    { ...stage, state: 'started' },
    { ...stage, state: 'done', output: [1] },
  ])
  const [first] = await log.record(releases())
  await log.record([{ ...releases()[0]!, restores: first!, run }])
  const intent = { image: 'app', variant: 'runtime', repository: 'r/app', digest: digestOf('2'), at }
  await store.intents.intend([{ ...intent, tags: { '1': digestOf('1'), latest: null }, cause: { run } }])
  await work.send(run, [{ phase: 'make', images: ['app'], isBegun: false }])
  await work.end(run, [{ image: 'app', state: 'done', reason: 'released', at }])
  await work.close(run, at)
  await runs.cancel(run, { by: 'b', reason: 'too late', at })
  await decisions.endHold(
    await decisions.hold({ image: undefined, reason: 'r', by: 'b', placed: at, until: later }),
    'b',
    later,
  )
  await decisions.approve({ plan, image: 'app', approved: true, reason: 'r', by: 'b', given: at })
  await clocks.record([{ finding: 'CVE-2026-1000 jq', image: 'app', mark: 'seen', at }])
  const [entry] = await ledger.append([{ kind: 'event', subject: 's', body: payload, at }])
  await ledger.keep({ sequence: entry!.sequence, digest: entry!.digest, at }, 'an envelope')
  const token = {
    name: 'n',
    role: 'admin',
    images: ['team/*', '**'],
    digest: digestOf('t'),
    by: 'b',
    made: at,
  } as const
  const id = await tokens.add({ ...token, expires: later })
  await tokens.revoke(id, 'b', later)
  const record = { at, who: 'n', address: '::1', request: 'r', action: 'hold', target: 'POST /', status: 201 }
  await audit.record({ ...record, token: id, reason: undefined })
  await audit.record({ ...record, token: undefined, reason: 'no' })
  await fillOutbox(store)
}

async function fillOutbox({ watches, outbox, deliveries }: OpenStore): Promise<void> {
  await watches.move('archive test', 0, { state: { mark: null }, content: Uint8Array.of(0, 255, 10), at })
  await deliveries.subscribe('hook')
  const message = { kind: 'held', image: 'app', title: 't', body: {}, at } as const
  await outbox.add([message, { ...message, owner: 'team', severity: 'high' }])
  await deliveries.route('hook', () => true, { limit: 10, now: at })
  const [due] = await deliveries.take('hook', { limit: 10, now: at, lease: later })
  await deliveries.settle('hook', due!, { state: 'failed', reason: '503', again: later, at })
}
