import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Account, resolveAccount } from './account.ts'

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1001:2002:App:/home/app:/bin/false\n',
  group: 'root:x:0:\nstaff:x:50:app\n',
}
const rows: [string, Account, string][] = [
  ['', { uid: 0, gid: 0, name: 'root', home: '/root' }, 'no user is root'],
  ['app', { uid: 1001, gid: 2002, name: 'app', home: '/home/app' }, "a name brings its account's group"],
  ['1001', { uid: 1001, gid: 2002, name: 'app', home: '/home/app' }, 'so does its number'],
  ['app:staff', { uid: 1001, gid: 50, name: 'app', home: '/home/app' }, 'a named group wins'],
  ['65532:65532', { uid: 65532, gid: 65532 }, 'numbers need no account'],
  ['65532', { uid: 65532, gid: 0 }, 'a number without an account has group 0'],
]
for (const [user, want, because] of rows) {
  test(`user "${user}": ${because}`, () => assert.deepEqual(resolveAccount(user, files), want))
}

for (const user of ['nobody', 'app:nogroup', '4294967295', ':5']) {
  test(`user "${user}" cannot be resolved`, () => {
    assert.throws(() => resolveAccount(user, files), { code: 'IMAGE_USER_UNKNOWN' })
  })
}
