import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BoardImage, drawBoard } from './catalog-board.ts'

const plain = (_: string, text: string) => text

function image(name: string, over: Partial<BoardImage> = {}): BoardImage {
  return { name, category: 'web', builds: 4, done: 0, running: 0, failed: false, ...over }
}

test('the board tells what is done, what is left and where each image is', () => {
  const images = [
    image('static', { category: 'bases', done: 4 }),
    image('nginx', { done: 2, running: 1 }),
    image('httpd', { failed: true }),
    image('haproxy'),
  ]
  const lines = drawBoard({ images, members: { made: 3, reused: 9 }, elapsed: 6000 }, { width: 60, style: plain })
  assert.deepEqual(lines, [
    `${'━'.repeat(21)}  6/16 images  6.0 s, about 10.0 s left`,
    'packages: 3 made ready, 9 at hand',
    'bases       ● static',
    'web         ◐ nginx  ✗ httpd  ○ haproxy',
  ])
})

test('no line is wider than the terminal', () => {
  const images = Array.from({ length: 30 }, (_, number) => image(`image-${number}`))
  for (const width of [40, 60, 100]) {
    const lines = drawBoard({ images, members: { made: 0, reused: 0 }, elapsed: 1 }, { width, style: plain })
    assert.ok(Math.max(...lines.map((line) => line.length)) <= width, `${width}`)
    assert.equal(lines.join(' ').match(/image-/g)?.length, 30)
  }
})
