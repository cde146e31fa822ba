import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createToken, ROLES, revokeToken } from '#server'
import { testServers } from '#testkit'
import { FactoryAuthority } from './factory-authority.ts'

const servers = testServers()
const hand = () => ({ by: 'me', at: new Date().toISOString(), command: 'test' })
type Asking = Parameters<FactoryAuthority['identify']>[0]

/** A request of the registry as far as the authority looks at it. */
function asking(password?: string): Asking {
  const headers =
    password === undefined ? {} : { authorization: `Basic ${Buffer.from(`x:${password}`).toString('base64')}` }
  return { request: { headers } } as Asking
}

async function rights(authority: FactoryAuthority, repository: string, password?: string): Promise<string> {
  const identity = await authority.identify(asking(password))
  const actions = (['pull', 'push', 'delete'] as const).filter((one) => authority.allows(identity, repository, one))
  return actions.join(' ') || 'nothing'
}

test('the factory writes to its registry, administrators too, others read what their token is for', async (t) => {
  const store = await servers.store(t, 'embedded')
  const tokens = new Map<string, { readonly id: number; readonly text: string }>()
  for (const role of ROLES)
    tokens.set(role, await createToken(store, { name: role, role, images: ['team/*'], expires: undefined }, hand()))
  const all = 'pull push delete'
  const table: readonly (readonly [who: string, isOpen: boolean, own: string, other: string])[] = [
    ['reader', false, 'pull', 'nothing'],
    ['approver', false, 'pull', 'nothing'],
    ['operator', false, 'pull', 'nothing'],
    ['admin', false, all, 'nothing'],
    ['reader', true, 'pull', 'pull'],
    ['approver', true, 'pull', 'pull'],
    ['operator', true, 'pull', 'pull'],
    ['admin', true, all, 'pull'],
  ]
  for (const [who, isOpen, own, other] of table) {
    const authority = new FactoryAuthority(store.tokens, isOpen)
    const { text } = tokens.get(who) ?? { text: '' }
    assert.equal(await rights(authority, 'team/app', text), own, `${who}, open ${isOpen}`)
    assert.equal(await rights(authority, 'other/app', text), other, `${who} elsewhere, open ${isOpen}`)
  }
  for (const isOpen of [true, false]) {
    const authority = new FactoryAuthority(store.tokens, isOpen)
    assert.equal(await rights(authority, 'team/app', authority.password), all)
    assert.equal(await rights(authority, 'team/app'), isOpen ? 'pull' : 'nothing')
    assert.equal(await rights(authority, 'team/app', 'guessed'), 'nothing')
    assert.equal(authority.isWelcome(await authority.identify(asking('guessed'))), false)
  }
  const authority = new FactoryAuthority(store.tokens, false)
  const admin = tokens.get('admin') ?? { id: 0, text: '' }
  assert.equal(await rights(authority, 'team/app', admin.text), all)
  await revokeToken(store, admin.id, hand())
  assert.equal(await rights(authority, 'team/app', admin.text), 'nothing')
})
