/** Texts that are looked for all at once (Aho and Corasick, 1975), bytes in any case of ASCII letters. */
export class Literals {
  /** For each state and class of bytes the next state; a state is the place of its row. */
  readonly #next: Int32Array
  readonly #classes: Uint8Array
  readonly #width: number
  /** For each state the places of the texts that end there. */
  readonly #ends: readonly (readonly number[] | undefined)[]
  /** Whether any does, by the state's place. */
  readonly #isEnd: Uint8Array

  /** `texts` in lower case, none empty; found ones are told by their places. */
  constructor(texts: readonly string[]) {
    const bytes = texts.map((text) => Buffer.from(text, 'latin1'))
    this.#classes = classesOf(bytes)
    this.#width = 1 + Math.max(0, ...this.#classes)
    const states = 1 + bytes.reduce((sum, one) => sum + one.length, 0)
    this.#next = new Int32Array(states * this.#width).fill(-1)
    const ends: number[][] = Array.from({ length: states }, () => [])
    this.#plant(bytes, ends)
    this.#link(ends)
    this.#ends = ends.map((one) => (one.length === 0 ? undefined : one))
    this.#isEnd = new Uint8Array(this.#next.length)
    for (const [state, one] of ends.entries()) if (one.length > 0) this.#isEnd[state * this.#width] = 1
    for (let edge = 0; edge < this.#next.length; edge++) this.#next[edge] = (this.#next[edge] ?? 0) * this.#width
  }

  /** Calls `found` with the place of each text that stands in `bytes`, and where it ends, in the order of ends. */
  find(bytes: Uint8Array, found: (text: number, end: number) => void): void {
    const [next, classes, width, isEnd] = [this.#next, this.#classes, this.#width, this.#isEnd]
    let state = 0
    for (let at = 0; at < bytes.length; at++) {
      state = next[state + (classes[bytes[at] ?? 0] ?? 0)] ?? 0
      if (isEnd[state] === 1) for (const text of this.#ends[state / width] ?? []) found(text, at + 1)
    }
  }

  #plant(texts: readonly Uint8Array[], ends: number[][]): void {
    let last = 0
    for (const [place, text] of texts.entries()) {
      let state = 0
      for (const byte of text) {
        const edge = state * this.#width + (this.#classes[byte] ?? 0)
        if (this.#next[edge] === -1) this.#next[edge] = ++last
        state = this.#next[edge] ?? 0
      }
      ends[state]?.push(place)
    }
  }

  /** Where a text breaks off, what it ends with may be the begin of another. */
  #link(ends: number[][]): void {
    const [next, width] = [this.#next, this.#width]
    const queue: [state: number, fallback: number][] = [[0, 0]]
    for (const [state, fallback] of queue) {
      if (state !== 0) ends[state]?.push(...(ends[fallback] ?? []))
      for (let kind = 0; kind < width; kind++) {
        const edge = state * width + kind
        const otherwise = state === 0 ? 0 : (next[fallback * width + kind] ?? 0)
        const target = next[edge] ?? -1
        if (target === -1) next[edge] = otherwise
        else queue.push([target, otherwise])
      }
    }
  }
}

/** Bytes that no text has are one class, 0, so that the table stays small. */
function classesOf(texts: readonly Uint8Array[]): Uint8Array {
  const classes = new Uint8Array(256)
  let last = 0
  for (const byte of texts.flatMap((text) => [...text])) {
    if (classes[byte] === 0) classes[byte] = ++last
    const isLetter = byte >= 0x61 && byte <= 0x7a
    if (isLetter) classes[byte - 0x20] = classes[byte] ?? 0
  }
  return classes
}
