import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Digest, digestOf } from '#core'
import { composeImage, composeIndex, type ExecutionParameters, MEDIA_TYPES, platformOfDebian, writeLayout } from '#oci'
import { type TarItem, tarOf } from '#testkit'

const CLI = join(import.meta.dirname, 'main.ts')

/** An image to be made: packages as `name version` with their files, entries beside them, and its config. */
export interface SampleImage {
  readonly packages: Readonly<Record<string, readonly TarItem[]>>
  readonly others?: readonly TarItem[]
  /** Layers above these, lowest first. */
  readonly above?: readonly (readonly TarItem[])[]
  readonly config?: ExecutionParameters
  readonly mtime?: number
  /** What made its layers, as their history says. */
  readonly history?: readonly string[]
}

/** Writes an image as a layout and gives its reference. */
export async function sampleLayout(t: TestContext, sample: SampleImage): Promise<string> {
  const { packages, others = [], above = [], config = {}, mtime = 1_700_000_000, history } = sample
  const folder = mkdtempSync(join(tmpdir(), 'casemate-diff-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const status = Object.keys(packages).map((key) => {
    const [name = '', version = ''] = key.split(' ')
    const source = name === 'libssl3t64' ? 'Source: openssl\n' : ''
    return `Package: ${name}\nStatus: install ok installed\n${source}Version: ${version}\nArchitecture: amd64\n`
  })
  const lists = Object.entries(packages).map(([key, items]) => ({
    path: `var/lib/dpkg/info/${key.split(' ')[0]}.list`,
    content: items.map(({ path }) => `/${path}\n`).join(''),
  }))
  const base = tarOf({ path: 'etc/os-release', content: 'ID=debian\nPRETTY_NAME="Debian 13"\n' })
  const own = tarOf(
    { path: 'var/lib/dpkg/status', content: status.join('\n') },
    { path: 'etc/passwd', content: 'root:x:0:0::/root:/x\nnonroot:x:65532:65532::/:/x\n' },
    ...[...lists, ...Object.values(packages).flat(), ...others].map((item) => ({ mtime, ...item })),
  )
  const blobs = new Map<Digest, Uint8Array>()
  const layers = [base, own, ...above.map((items) => tarOf(...items))].map((tar) => {
    const bytes = gzipSync(tar)
    blobs.set(digestOf(bytes), bytes)
    const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
    return { descriptor, diffId: digestOf(tar) }
  })
  const made = history === undefined ? {} : { history: history.map((created_by) => ({ created_by })) }
  const image = composeImage({ config: { platform: platformOfDebian('amd64'), config, ...made }, layers })
  const source = {
    async *open(digest: Digest) {
      yield blobs.get(digest) ?? Buffer.alloc(0)
    },
  }
  await writeLayout(folder, composeIndex([image], source), 'sample')
  return `oci:${folder}:sample`
}

/** Runs a verb that reads images, without any advisories. */
export function casemate(...args: readonly string[]) {
  return casemateIn(join(tmpdir(), 'casemate-tests-no-cache'), ...args)
}

/** The same with a cache folder of its own. */
export function casemateIn(cache: string, ...args: readonly string[]) {
  return runCasemate([...args, '--platform', 'linux/amd64'], cache)
}

/** The command line with advisories of its own, imported from files by name; `run` is for verbs that read images. */
export function casemateWith(t: TestContext, advisories: Readonly<Record<string, object | string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-advisories-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(advisories)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
    const { status, stderr } = runCasemate(['advisories', 'import', join(folder, name)], folder)
    if (status !== 0) throw new Error(`cannot import ${name}: ${stderr}`)
  }
  return (...args: readonly string[]) => runCasemate([...args, '--platform', 'linux/amd64'], folder)
}

function runCasemate(args: readonly string[], cache: string) {
  const command = ['--conditions=source', CLI, ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    encoding: 'utf8',
    env: {
      ...process.env,
      NO_COLOR: '1',
      NODE_COMPILE_CACHE: join(tmpdir(), 'casemate-tests-code'),
      XDG_CACHE_HOME: cache,
    },
  })
  return { status, stdout, stderr }
}
