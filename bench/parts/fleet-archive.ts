import { readFileSync } from 'node:fs'
import type { DebFile, DebSpec, TestDeb } from '#testkit'

/** What a fleet is made of. */
export interface FleetShape {
  readonly bases: number
  readonly overlays: number
  /** OCI platforms. */
  readonly platforms: readonly string[]
}

/** Packages that every base has, those that only one has, and those that overlays add: each of the last is in 1 % of the overlays. */
const SHARED = 18
const OWN_LEAST = 7
const OWN_SPREAD = 11
export const EXTRAS = 100

/** A package that every image has, with a source of another name. */
export const COMMON = { package: 'libssl3t64', source: 'openssl', from: '3.5.99-1', to: '3.5.99-2' }
const KNOWN = ['libc6', COMMON.package, 'zlib1g', 'libgcc-s1', 'libzstd1', 'netbase']

/** The names of the packages of a base: 25 to 35. */
export function basePackages(base: number): readonly string[] {
  const own = OWN_LEAST + ((base * 7) % OWN_SPREAD)
  return [...sharedPackages(), ...Array.from({ length: own }, (_, at) => `lib-own${base}-${at}`)]
}

function sharedPackages(): readonly string[] {
  return Array.from({ length: SHARED }, (_, at) => KNOWN[at] ?? `lib-shared${at}`)
}

/** The package that an overlay adds. */
export function extraPackage(overlay: number, bases: number): string {
  return `tool-${Math.floor(overlay / bases) % EXTRAS}`
}

/** Every package of a fleet in its first version, for every architecture. */
export function fleetDebs({ bases, platforms }: FleetShape): readonly TestDeb[] {
  const names = new Set([
    ...Array.from({ length: bases }, (_, base) => basePackages(base)).flat(),
    ...Array.from({ length: EXTRAS }, (_, at) => `tool-${at}`),
  ])
  return [...names].flatMap((name) => fleetDeb(name, name === COMMON.package ? COMMON.from : '1.0-1', platforms))
}

/** A package in a version, as large in words and files as Debian's usually are, with little in each file. */
export function fleetDeb(name: string, version: string, platforms: readonly string[]): readonly DebSpec[] {
  const source = name === COMMON.package ? COMMON.source : name
  const count = 8 + ([...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 53)
  const files: Record<string, DebFile> = {
    [`/usr/share/doc/${name}/copyright`]: copyrightOf(source),
    [`/usr/share/doc/${name}/changelog.Debian.gz`]: `${version}\n`,
    [`/usr/lib/${name}/lib${name}.so.1.0`]: { content: `${name} ${version}\n`.repeat(200), mode: 0o644 },
    [`/usr/lib/${name}/lib${name}.so.1`]: { link: `lib${name}.so.1.0` },
  }
  for (let at = 0; at < count; at++) files[`/usr/lib/${name}/module-${at}.conf`] = `${name} ${at}\n`
  if (name === 'libc6') {
    files['/usr/bin/busybox-probe'] = { content: BUSYBOX, mode: 0o755 }
    files['/usr/lib/os-release'] = OS_RELEASE
  }
  return platforms.map((platform) => ({
    ...{ name, version, architecture: platform.replace('linux/', ''), files },
    fields: {
      ...(source === name ? {} : { Source: source }),
      'Installed-Size': '812',
      Section: 'libs',
      Priority: 'optional',
      'Multi-Arch': 'same',
      ...(name === 'libc6' ? {} : { Depends: 'libc6 (>= 1.0)' }),
      Homepage: `https://${source}.example.org/`,
      Description: `a part of the fleet, ${name}\n It is described in some lines, as packages of Debian are, so that what is written\n of it in documents is as long as usual.\n .\n This package contains the files of ${name}.`,
    },
  }))
}

const OS_RELEASE = 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'
const BUSYBOX = readFileSync('/bin/busybox')

function copyrightOf(source: string): string {
  const text = Array.from({ length: 20 }, () => ' Permission is granted to whoever has a copy of this software.').join(
    '\n',
  )
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${source}
Source: https://${source}.example.org/

Files: *
Copyright: 2020-2026 People of ${source}
License: Expat

Files: debian/*
Copyright: 2024-2026 Somebody
License: BSD-3-Clause

License: Expat
${text}

License: BSD-3-Clause
${text}
`
}

/** The definition of a base. */
export function baseDefinition(base: number, { platforms }: FleetShape): string {
  return `image: base-${base}
archive: test-1
packages: [${basePackages(base).join(', ')}]
platforms: [${platforms.join(', ')}]
entrypoint: [/usr/bin/busybox-probe]
tags: ["{libc6:upstream}", "latest"]
tests:
  - { name: has its library, files: [{ path: /usr/lib/libc6/liblibc6.so.1.0, exists: true }] }
`
}

/** The definition of an overlay: its base, one package, one file. One of a hundred has a test that runs a program. */
export function overlayDefinition(overlay: number, { bases, platforms }: FleetShape): string {
  const name = extraPackage(overlay, bases)
  const runs =
    overlay % 100 === 0
      ? `\n  - { name: runs, platforms: [linux/amd64], command: [/usr/bin/busybox-probe, cat, /etc/overlay.conf], stdout: { contains: "overlay ${overlay}" } }`
      : ''
  return `image: overlay-${overlay}
from: ./base-${overlay % bases}.yaml
packages: [${name}]
platforms: [${platforms.join(', ')}]
paths:
  - { path: /etc/overlay.conf, content: "overlay ${overlay}\\n" }
entrypoint: [/usr/bin/busybox-probe]
tags: ["{${name}:upstream}", "latest"]
tests:
  - { name: has its file, files: [{ path: /etc/overlay.conf, matches: "overlay ${overlay}" }] }${runs}
`
}
