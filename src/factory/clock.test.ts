import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClockMark, type ClockMarkName, clockSegments, summarizeTimes, timeBetween } from './clock.ts'

function marks(times: Partial<Record<ClockMarkName, string>>): ClockMark[] {
  return Object.entries(times).map(([mark, time]) => ({
    finding: 'CVE-2026-1000 openssl',
    image: 'python',
    mark: mark as ClockMarkName,
    at: `2026-11-21T${time}.000Z`,
  }))
}

test('the way of a finding is taken apart at the marks that it reached, in their order', () => {
  const way = marks({ published: '12:00:45', disclosed: '06:00:00', 'fix-available': '11:59:00', seen: '12:00:00' })
  assert.deepEqual(clockSegments(way), [
    { from: 'disclosed', to: 'fix-available', milliseconds: 21_540_000 },
    { from: 'fix-available', to: 'seen', milliseconds: 60_000 },
    { from: 'seen', to: 'published', milliseconds: 45_000 },
  ])
  assert.equal(timeBetween(way, 'fix-available', 'published'), 105_000)
  assert.equal(timeBetween(way, 'disclosed', 'running'), undefined)
})

test('a clock that was set back takes no time from another segment', () => {
  const way = marks({ seen: '12:00:00', planned: '11:00:00', built: '11:00:05' })
  assert.deepEqual(
    clockSegments(way).map(({ milliseconds }) => milliseconds),
    [0, 5000],
  )
})

test('percentiles are times that were measured', () => {
  const times = Array.from({ length: 100 }, (_, at) => 100 - at)
  assert.deepEqual(summarizeTimes(times), { count: 100, mean: 50.5, p50: 50, p90: 90, p99: 99 })
  assert.deepEqual(summarizeTimes([7]), { count: 1, mean: 7, p50: 7, p90: 7, p99: 7 })
  assert.equal(summarizeTimes([]), undefined)
})
