/** The values that were used last, by key: what comes on top pushes out what was not used for longest. */
export class Recent<Key, Value> {
  readonly #most: number
  readonly #values = new Map<Key, Value>()

  /** Holds `most` values. */
  constructor(most: number) {
    this.#most = most
  }

  /** The value of a key, used now; `undefined` where there is none. */
  get(key: Key): Value | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: Key, value: Value): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#most) return
    const [oldest] = this.#values.keys()
    if (oldest !== undefined) this.#values.delete(oldest)
  }

  delete(key: Key): void {
    this.#values.delete(key)
  }

  /** The value of a key, made where there is none. What is thrown is kept by nobody. */
  provide(key: Key, make: () => Value): Value {
    const known = this.get(key)
    if (known !== undefined) return known
    const value = make()
    this.set(key, value)
    return value
  }
}

/** The same for values that take time: who asks while one is made waits for that one. A failure is told and forgotten. */
export class RecentlyMade<Key, Value> {
  readonly #recent: Recent<Key, Promise<Value>>

  constructor(most: number) {
    this.#recent = new Recent(most)
  }

  async provide(key: Key, make: () => Promise<Value>): Promise<Value> {
    const known = this.#recent.get(key)
    if (known !== undefined) return await known
    const value = make()
    this.#recent.set(key, value)
    try {
      return await value
    } catch (error) {
      if (this.#recent.get(key) === value) this.#recent.delete(key)
      throw error
    }
  }
}
