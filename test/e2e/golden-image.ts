import { join } from 'node:path'
import { samplePackages } from './sample-packages.ts'
import { type CleansUp, openWorkplace } from './workplace.ts'

/** Where the digests of images of a format are kept. */
export const goldenFile = (format: number) => join(import.meta.dirname, `../testdata/golden-format-${format}.json`)

const DEFINITION = `image: golden
title: Golden image
description: Holds one of everything that decides the bytes of an image
archive: test-1
packages: [greet]
platforms: [linux/amd64, linux/arm64]
environment: { PATH: "/usr/bin:/bin", GREETING: "grüß dich" }
accounts:
  users: [{ name: greeter, uid: 1500, gid: 1500, home: /home/greeter }]
  groups: [{ name: greeter, gid: 1500 }]
paths:
  - { path: /etc/motd, content: "hello\\n", mode: "0640", gid: 1500 }
  - { path: /usr/share/greet/common, content: "replaced\\n", replace: true }
  - { path: /usr/bin/salute, symlink: greet }
  - { path: /data, type: directory, mode: "1777" }
entrypoint: [/usr/bin/greet]
cmd: [--loudly]
contract: { run-as: greeter, work-dir: /data, ports: [8080], writable: [/data], stop-signal: SIGINT }
labels: { org.example.team: greeters }
tags: ["{greet:upstream}", "{minor}"]
layers: { budget: 4 }
`

/** The digests of one image, of everything in it that has one. */
export interface GoldenDigests {
  readonly index: string
  readonly platforms: Readonly<Record<string, { readonly manifest: string; readonly layers: readonly string[] }>>
}

/** Builds the golden image by the command line, from an archive with fresh keys and dates, once for each codec. */
export async function buildGolden(t: CleansUp): Promise<Readonly<Record<string, GoldenDigests>>> {
  const native = samplePackages('arm64').filter(({ architecture }) => architecture === 'arm64')
  const debs = [...samplePackages('amd64'), ...native]
  const place = await openWorkplace(t, { debs, architectures: ['amd64', 'arm64'] })
  place.write('casemate.yaml', DEFINITION)
  const digests: Record<string, GoldenDigests> = {}
  for (const codec of ['gzip', 'zstd']) {
    const { digest, platforms } = await place.build(codec === 'zstd' ? ['--zstd'] : [])
    digests[codec] = {
      index: digest,
      platforms: Object.fromEntries(
        platforms.map((one) => [
          one.platform,
          { manifest: one.digest, layers: one.layers.map((layer) => layer.digest) },
        ]),
      ),
    }
  }
  return digests
}
