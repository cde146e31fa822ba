import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instantOf, isTimeZone, wallTimeAt, weekdayOf } from './zoned-time.ts'

const instants: [string, string, string, string][] = [
  ['2026-01-15 02:30', 'Europe/Berlin', '2026-01-15T01:30:00.000Z', 'winter'],
  ['2026-07-15 02:30', 'Europe/Berlin', '2026-07-15T00:30:00.000Z', 'summer'],
  [
    '2026-03-29 02:30',
    'Europe/Berlin',
    '2026-03-29T01:00:00.000Z',
    'a time that is left out is when clocks go forward',
  ],
  ['2026-10-25 02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z', 'of a time that comes twice the first'],
  ['2026-11-01 01:30', 'America/New_York', '2026-11-01T05:30:00.000Z', 'the same west of Greenwich'],
  ['2026-03-08 02:00', 'America/New_York', '2026-03-08T07:00:00.000Z', 'the first minute that is left out'],
  ['2026-04-05 01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:00.000Z', 'clocks that go back by half an hour'],
  ['2026-11-22 00:00', 'Asia/Kathmandu', '2026-11-21T18:15:00.000Z', 'an offset of three quarters'],
  ['2026-11-31 12:00', 'UTC', '2026-12-01T12:00:00.000Z', 'a day beyond the month'],
]
for (const [wall, zone, want, because] of instants) {
  test(`${wall} in ${zone} is ${want}: ${because}`, () => {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = wall.split(/[- :]/).map(Number)
    assert.equal(new Date(instantOf({ year, month, day, hour, minute }, zone)).toISOString(), want)
  })
}

test('every hour of a year goes to the wall clock and back, but for the hour that comes twice', () => {
  const zones = ['Europe/Berlin', 'America/St_Johns', 'Pacific/Chatham']
  for (const zone of zones) {
    let twice = 0
    for (let instant = Date.UTC(2026, 0, 1); instant < Date.UTC(2027, 0, 1); instant += 3_600_000) {
      if (instantOf(wallTimeAt(instant, zone), zone) !== instant) twice++
    }
    assert.equal(twice, 1, zone)
  }
})

test('days of the week are those of the date, and zones those that exist', () => {
  assert.equal(weekdayOf({ year: 2026, month: 11, day: 22, hour: 0, minute: 0 }), 'sun')
  assert.deepEqual(['UTC', 'Europe/Berlin', 'Mars/Phobos', ''].map(isTimeZone), [true, true, false, false])
})
