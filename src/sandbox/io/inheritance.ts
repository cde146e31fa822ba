import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { canonicalJson, type Digest, digestOf } from '#core'
import type { FileExpectation } from '../expectation.ts'
import type { ImageTest } from '../image-test.ts'
import type { ResultMemory, TestedImage } from '../result-memory.ts'
import type { Sandbox } from '../sandbox.ts'
import { helpersOf, inputsOf, keyOfResult, type TestSubject } from '../test-inputs.ts'
import type { TestResult } from '../test-report.ts'
import { findEmulator } from './emulator.ts'
import type { TestedFiles } from './known-files.ts'

/** What is known of an image and of earlier runs, for results to be inherited. */
export interface InheritanceOptions {
  readonly memory: ResultMemory
  readonly manifest: Digest
  readonly config: Digest
  readonly helperDigest: (reference: string) => Promise<Digest>
  /** Runs every test anew; their results are kept all the same. */
  readonly fresh?: boolean
  /** Now, RFC 3339. */
  readonly now: () => string
}

/** A result that was inherited, with what was seen of the image, where that had the same manifest. */
export interface Inherited {
  readonly result: TestResult
  readonly image?: TestedImage
}

/** The results of tests whose inputs are what they were. Failures are never inherited: they are looked into, and run again. */
export class Inheritance {
  readonly #options: InheritanceOptions
  readonly #sandbox: string
  readonly #helpers = new Map<string, Digest>()

  private constructor(options: InheritanceOptions, sandbox: string) {
    this.#options = options
    this.#sandbox = sandbox
  }

  /** For the tests of an image in a sandbox. Rejects with `SANDBOX_FAILED` where that does not tell its version. */
  static async open(
    options: InheritanceOptions,
    { sandbox, architecture, network }: { sandbox: Sandbox; architecture: string; network: 'none' | 'host' },
  ): Promise<Inheritance> {
    const parts = [
      `${sandbox.name} ${await sandbox.version()}`,
      `Linux ${release()}`,
      process.getuid?.() === 0 ? 'root' : 'user',
      findEmulator(architecture)?.name ?? architecture,
      // Where one test has the host's network, all find its resolver's settings.
      ...(network === 'host' ? [`resolv.conf ${digestOf(readFileSync('/etc/resolv.conf'))}`] : []),
    ]
    return new Inheritance(options, parts.join(', '))
  }

  /** For tests that look at files and metadata alone: no sandbox is among what they read. */
  static ofFiles(options: InheritanceOptions): Inheritance {
    return new Inheritance(options, '')
  }

  /** The earlier result of a test; `undefined` where it has to be run. `files` are the image's, where it was unpacked. */
  async recall(test: ImageTest, files?: TestedFiles): Promise<Inherited | undefined> {
    if (this.#options.fresh) return undefined
    const key = await this.#key(test, files)
    const known = key && (await this.#options.memory.recall(key))
    if (!known) return undefined
    const { at, duration, startup, image } = known
    const inherited = { from: at, duration, ...(startup !== undefined && { startup }) }
    return { result: { name: test.name, verdict: { kind: 'passed' }, inherited }, ...(image && { image }) }
  }

  /** Remembers a result that is to be inherited, under everything that names its inputs. */
  async keep(
    test: ImageTest,
    { verdict, outcome }: TestResult,
    { image, files }: { image: TestedImage; files: TestedFiles },
  ): Promise<void> {
    if (verdict.kind !== 'passed' || !outcome) return
    const { duration, service } = outcome
    const passed = {
      at: this.#options.now(),
      duration,
      ...(service?.startup !== undefined && { startup: service.startup }),
    }
    const whole = await this.#key(test)
    const fine = await this.#key(test, files)
    if (fine && fine !== whole) await this.#options.memory.keep(fine, passed)
    if (whole) await this.#options.memory.keep(whole, readsManifest(test) ? { ...passed, image } : passed)
  }

  async #key(test: ImageTest, files?: TestedFiles): Promise<Digest | undefined> {
    for (const name of helpersOf(test)) {
      if (this.#helpers.has(name)) continue
      // A helper that cannot be opened is told when the test runs.
      const digest = await this.#options.helperDigest(name).catch(() => undefined)
      if (digest) this.#helpers.set(name, digest)
    }
    const { manifest, config } = this.#options
    const subject: TestSubject = {
      manifest,
      config,
      sandbox: this.#sandbox,
      helpers: this.#helpers,
      ...(files && { file: (file) => digestOfFile(files, file) }),
    }
    const inputs = inputsOf(test, subject)
    return inputs && keyOfResult(test, inputs)
  }
}

/** Whether the key of a test, as long as no files are known, names the image's whole manifest. */
function readsManifest(test: ImageTest): boolean {
  return test.program.kind !== 'none' || test.files.length > 0 || test.licences !== undefined
}

/** Of all that a file test can see of a path: what it is, whose, and, where it asks for that, its content. */
function digestOfFile(files: TestedFiles, { path, keepsLink, content }: FileExpectation): Digest {
  const state = files.state(path, keepsLink ? 'keep' : 'follow')
  if (!state) return digestOf(canonicalJson(null))
  const { type, mode, owner } = state
  const read = content && files.read(path)
  return digestOf(
    canonicalJson({
      ...{ type, mode },
      ...(owner && { owner: { ...owner } }),
      ...(read && { content: digestOf(read.text), truncated: read.truncated }),
    }),
  )
}
