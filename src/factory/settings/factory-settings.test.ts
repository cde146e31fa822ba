import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseFactorySettings } from './factory-settings.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const whole = `
images: [static, ./images/shop]
definitions: { git: "https://git.example.org/images.git", branch: main, path: images }
archives: { poll: 15s }
registry: docker://registry.example.org/hardened
policy:
  security: { high: 4h, medium: 2d }
  updates: 2w
  cool-down: 30m
  freezes: [{ from: 2026-12-20, until: 2027-01-04, except: [critical], reason: holidays, images: ["pay*"] }]
  windows: [{ images: [payments], days: [thu, tue], from: "22:00", until: "05:00", zone: Europe/Berlin }]
  approval: [{ images: [payments], by: payments-team }]
sla: { critical: 1d, warn: 50% }
`

test('settings say what they say, and defaults the rest', () => {
  const { images, definitions, poll, registry, policy, levels } = parseFactorySettings(whole, 'factory.yaml')
  assert.deepEqual(images, ['static', './images/shop'])
  assert.deepEqual(definitions, { git: 'https://git.example.org/images.git', branch: 'main', path: 'images' })
  assert.deepEqual([poll, registry], [15_000, 'docker://registry.example.org/hardened'])
  assert.deepEqual(policy.security, { critical: 0, high: 4 * HOUR, medium: 2 * DAY, low: 7 * DAY })
  assert.deepEqual([policy.updates, policy.coolDown], [14 * DAY, HOUR / 2])
  assert.deepEqual(policy.freezes, [
    {
      images: ['pay*'],
      from: Date.parse('2026-12-20T00:00:00Z'),
      until: Date.parse('2027-01-04T00:00:00Z'),
      except: ['critical'],
      reason: 'holidays',
    },
  ])
  const [window] = policy.windows
  assert.deepEqual([window?.days, window?.from, window?.until], [['tue', 'thu'], 22 * 60, 5 * 60])
  assert.deepEqual(levels, { limits: { critical: DAY, high: 7 * DAY, medium: 30 * DAY, low: 90 * DAY }, warn: 0.5 })
})

test('an empty file, and one with a comment alone, are the defaults', () => {
  const defaults = parseFactorySettings('', 'factory.yaml')
  assert.deepEqual(parseFactorySettings('# nothing yet\n', 'factory.yaml'), defaults)
  assert.deepEqual(defaults.images, ['static', 'base', 'python', 'nginx'])
  assert.deepEqual([defaults.registry, defaults.definitions, defaults.poll], ['embedded', undefined, undefined])
  assert.equal(defaults.policy.security.critical, 0)
})

test('what the page on plans shows can be read, and but for its lists is the defaults', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/plans.md'), 'utf8')
  const [, shown = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  const { policy, levels } = parseFactorySettings(shown, 'docs/plans.md')
  const defaults = parseFactorySettings('', 'factory.yaml')
  assert.deepEqual([policy.freezes.length, policy.windows.length, policy.approvals.length], [1, 1, 1])
  assert.deepEqual({ ...policy, freezes: [], windows: [], approvals: [] }, defaults.policy)
  assert.deepEqual(levels, defaults.levels)
})

test('a freeze in a zone begins and ends at its midnight', () => {
  const text = 'policy: { freezes: [{ from: 2026-03-28, until: 2026-03-30, reason: r, zone: Europe/Berlin }] }'
  const [freeze] = parseFactorySettings(text, 'factory.yaml').policy.freezes
  assert.equal(new Date(freeze?.from ?? 0).toISOString(), '2026-03-27T23:00:00.000Z')
  assert.equal(new Date(freeze?.until ?? 0).toISOString(), '2026-03-29T22:00:00.000Z')
})

const faults: [string, RegExp, string][] = [
  ['polcy: {}', /factory\.yaml:1:1: unknown key `polcy`: did you mean `policy`\?/, 'an unknown key'],
  ['policy:\n  update: 7d', /:2:3: policy: unknown key `update`: did you mean `updates`\?/, 'one further in'],
  [
    'policy:\n  updates: 7 days',
    /:2:12: policy\.updates: found "7 days", want now, or a length of time/,
    'no length of time',
  ],
  ['sla: { high: now }', /sla\.high: found "now", want a length of time/, 'a level that is no time'],
  ['sla: { warn: 101% }', /sla\.warn: found "101%", want a share such as 75%/, 'more than all'],
  [
    'policy: { freezes: [{ from: 2026-02-30, until: 2026-03-01, reason: r }] }',
    /freezes\[0\]\.from: found 2026-02-30, want a day that exists/,
    'a day that does not exist',
  ],
  [
    'policy: { freezes: [{ from: 2026-03-01, until: 2026-03-01, reason: r }] }',
    /freezes\[0\]\.until: found 2026-03-01, want a day after 2026-03-01/,
    'a freeze of no time',
  ],
  [
    'policy: { windows: [{ from: "02:00", until: "05:00", zone: Europe/Berlinn }] }',
    /windows\[0\]\.zone: found "Europe\/Berlinn", want a time zone/,
    'a zone that nobody knows',
  ],
  ['policy: { windows: [{ from: "24:00", until: "05:00" }] }', /found "24:00", want a time as "HH:MM"/, 'no hour'],
  ['policy: { windows: [{ from: "05:00", until: "05:00" }] }', /want another time than `from`/, 'an empty window'],
  [
    'policy: { freezes: [{ from: 2026-02-03, until: 2026-03-01 }] }',
    /`reason` is missing/,
    'a freeze without a reason',
  ],
  ['policy: { security: { critcal: now } }', /unknown key `critcal`: did you mean `critical`\?/, 'a severity misspelt'],
  ['images: [', /factory\.yaml:1:/, 'no YAML'],
  ['[]', /found an empty list, want a factory's settings/, 'a list'],
]
for (const [text, message, because] of faults) {
  test(`settings are refused with place and rule: ${because}`, () => {
    assert.throws(() => parseFactorySettings(text, 'factory.yaml'), { code: 'SETTINGS_INVALID', message })
  })
}

test('how images are made is said in runs, and left open where it is not', () => {
  const text =
    'runs: { platforms: [linux/amd64], variants: [runtime], policies: [default, team.yaml], attempts: 3, time-out: 10m }'
  const { runs } = parseFactorySettings(text, 'factory.yaml')
  const said = { platforms: ['linux/amd64'], variants: ['runtime'], policies: ['default', 'team.yaml'] }
  assert.deepEqual(runs, { ...said, exceptions: undefined, attempts: 3, timeOut: 600_000 })
  assert.deepEqual(
    Object.values(parseFactorySettings('', 'factory.yaml').runs).filter((value) => value !== undefined),
    [],
  )
  assert.throws(() => parseFactorySettings('runs: { attempts: 0 }', 'factory.yaml'), { code: 'SETTINGS_INVALID' })
  assert.throws(() => parseFactorySettings('runs: { timeout: 5m }', 'factory.yaml'), /did you mean `time-out`/)
})
