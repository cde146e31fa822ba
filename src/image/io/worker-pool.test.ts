import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, parentPort, threadId } from 'node:worker_threads'
import { WorkerPool } from './worker-pool.ts'

type Task = 'name the thread' | 'throw' | 'crash' | 'exit' | 'never end'

/** This file is its own worker: each task is something that may happen to a thread. */
function perform(task: Task): void {
  switch (task) {
    case 'name the thread':
      parentPort?.postMessage({ result: threadId })
      return
    case 'throw':
      parentPort?.postMessage({ error: { name: 'ImageError', code: 'PATH_CONFLICT', message: 'thrown' } })
      return
    case 'crash':
      throw new Error('crashed')
    case 'exit':
      process.exit(7)
      break
    case 'never end':
      return
  }
}

if (isMainThread) declareTests()
else parentPort?.on('message', perform)

function open(size: number): WorkerPool<Task, number> {
  return new WorkerPool({
    script: new URL(import.meta.url),
    size,
    revive: ({ name, code, message }) => new Error(`${name} ${code} ${message}`),
  })
}

function declareTests(): void {
  test('tasks run on as many threads as there are, and no more', async () => {
    await using pool = open(2)
    const threads = await Promise.all(Array.from({ length: 12 }, () => pool.run('name the thread')))
    assert.ok(new Set(threads).size <= 2, String(threads))
  })

  test('a task goes before those that wait and weigh less', async () => {
    await using pool = open(1)
    const order: string[] = []
    const note = (name: string) => () => void order.push(name)
    await Promise.all([
      pool.run('name the thread').then(note('first')),
      pool.run('name the thread').then(note('waits')),
      pool.run('name the thread', 2).then(note('heavy')),
      pool.run('name the thread', 2).then(note('as heavy')),
      pool.run('name the thread', 1).then(note('lighter')),
    ])
    assert.deepEqual(order, ['first', 'heavy', 'as heavy', 'lighter', 'waits'])
  })

  test('threads that were prepared are the ones that work, and no more are started than there are tasks', async () => {
    await using pool = open(2)
    pool.prepare(1)
    pool.prepare(1)
    const first = await pool.run('name the thread')
    assert.equal(await pool.run('name the thread'), first)
  })

  test('a task that throws rejects its own promise, with the error brought back to life, and the thread goes on', async () => {
    await using pool = open(1)
    const [before, thrown, after] = await Promise.allSettled([
      pool.run('name the thread'),
      pool.run('throw'),
      pool.run('name the thread'),
    ])
    assert.ok(thrown.status === 'rejected' && thrown.reason.message === 'ImageError PATH_CONFLICT thrown')
    assert.ok(before.status === 'fulfilled' && after.status === 'fulfilled' && before.value === after.value)
  })

  for (const [task, reason] of [
    ['crash', /cannot finish a task: crashed/],
    ['exit', /cannot finish a task: its thread ended with 7/],
  ] as const) {
    test(`a thread that dies (${task}) rejects what it was doing, and another takes its place`, async () => {
      await using pool = open(1)
      const first = await pool.run('name the thread')
      await assert.rejects(pool.run(task), { code: 'WORKER_FAILED', message: reason })
      assert.notEqual(await pool.run('name the thread'), first)
      const many = await Promise.allSettled([pool.run(task), pool.run('name the thread'), pool.run(task)])
      assert.deepEqual(
        many.map(({ status }) => status),
        ['rejected', 'fulfilled', 'rejected'],
      )
    })
  }

  test('disposal ends the threads and rejects what is under way, what waits and what comes', async () => {
    const pool = open(1)
    const unfinished = [pool.run('never end'), pool.run('name the thread')]
    const outcomes = Promise.allSettled(unfinished)
    await pool[Symbol.asyncDispose]()
    for (const outcome of await outcomes) {
      assert.ok(outcome.status === 'rejected' && outcome.reason.code === 'WORKER_FAILED')
    }
    await assert.rejects(pool.run('name the thread'), { code: 'WORKER_FAILED', message: /the threads were stopped/ })
  })
}
