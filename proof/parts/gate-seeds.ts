import { createHash } from 'node:crypto'
import { program, type Seed } from './seeded-image.ts'

/** What breaks one gate, and how it is asked for. */
export interface GateSeed {
  readonly gate: string
  readonly what: string
  readonly seed?: Seed
  /** Options beside those of all: `previous`, `allow`, `key` and results of tests stand for files that the proof writes. */
  readonly asks?: 'previous' | 'allow' | 'key' | 'tests'
  /** What came of the image's tests; of `key` seeds who has signed. */
  readonly tests?: Readonly<Record<string, string>>
  readonly signedBy?: 'stranger' | 'owner'
  /** Further gates that the same thing breaks. */
  readonly also?: readonly string[]
}

/** Made by chance, the same every time: no secret is written in these sources. */
const hex = createHash('sha256').update('seed').digest('hex')
const TOKEN = `ghp_${hex.slice(0, 36)}`
const KEY = `-----BEGIN EC PRIVATE KEY-----\n${hex}\n${hex}\n-----END EC PRIVATE KEY-----\n`
const BASE_NAME = 'org.opencontainers.image.base.name'
const LABELS = { [BASE_NAME]: 'registry.example.org/base/python:13' }
const others = (gate: string) => ({ gate, also: ['no-undeclared-file'] })
const shell = { gate: 'no-shell' }
const overdue = 'no-overdue-fix'

/** Each breaks the gate that it names, in its own way. */
export const GATE_SEEDS: readonly GateSeed[] = [
  { gate: 'non-root', what: 'no user', seed: { config: { User: '' } } },
  { gate: 'non-root', what: 'user 0', seed: { config: { User: '0:0' } } },
  { gate: 'non-root', what: 'root by another name', seed: { config: { User: 'toor' } } },
  {
    gate: 'no-setuid',
    what: 'a setuid program of a package',
    seed: { packages: { 'su 1': [program('usr/bin/su', 0o4755)] } },
  },
  {
    gate: 'no-setuid',
    what: 'a setgid program of a package',
    seed: { packages: { 'wall 1': [program('usr/bin/wall', 0o2755)] } },
  },
  {
    ...{ gate: 'no-setuid', what: 'a program with capabilities' },
    seed: {
      packages: {
        'ping 1': [
          {
            ...program('usr/bin/ping'),
            xattrs: new Map([['security.capability', Buffer.from('0100000200200000', 'hex')]]),
          },
        ],
      },
    },
  },
  { ...shell, what: 'bash', seed: { packages: { 'bash 5': [program('usr/bin/bash')] } } },
  {
    ...{ ...shell, what: 'busybox by a hard link' },
    seed: {
      packages: {
        'busybox 1': [
          program('usr/bin/busybox'),
          { path: 'usr/bin/ash', type: 'hardlink', linkPath: 'usr/bin/busybox' },
        ],
      },
    },
  },
  {
    ...shell,
    ...others('no-shell'),
    what: 'a copied one, in a layer on top',
    seed: { above: [[program('opt/dash')]] },
  },
  { gate: 'no-package-manager', what: 'apt', seed: { packages: { 'apt 3': [program('usr/bin/apt-get')] } } },
  {
    gate: 'no-package-manager',
    what: 'pip by its version',
    seed: { packages: { 'pip 1': [program('usr/local/bin/pip3.13')] } },
  },
  { ...others('no-package-manager'), what: 'npm of no package', seed: { files: [program('opt/node/bin/npm')] } },
  {
    ...others('no-world-writable'),
    what: 'a file',
    seed: { files: [{ path: 'srv/file', content: 'x', mode: 0o666 }] },
  },
  {
    gate: 'no-world-writable',
    what: 'a folder',
    seed: { files: [{ path: 'srv/shared', type: 'directory', mode: 0o777 }] },
  },
  {
    gate: 'no-world-writable',
    what: 'a file of a package',
    seed: { packages: { 'data 1': [program('var/lib/data', 0o622)] } },
  },
  { gate: 'no-undeclared-file', what: 'a file of no package', seed: { files: [program('opt/blob', 0o644)] } },
  { gate: 'no-undeclared-file', what: 'one in a layer on top', seed: { above: [[program('srv/app.so', 0o644)]] } },
  { gate: 'no-secret', what: 'a token in an ENV', seed: { config: { Env: [`DEPLOY=${TOKEN}`] } } },
  { gate: 'no-secret', what: 'a token in a label', seed: { config: { Labels: { deploy: TOKEN } } } },
  {
    ...others('no-secret'),
    what: 'a token in a file',
    seed: { files: [{ path: 'app/.env', content: `TOKEN=${TOKEN}\n` }] },
  },
  {
    ...{ gate: 'no-secret', what: 'a key that a later layer deletes' },
    seed: { above: [[{ path: 'root/.ssh/id', content: KEY }], [{ path: 'root/.ssh/.wh.id', content: '' }]] },
  },
  {
    ...{ gate: 'no-secret', what: 'a key in a package’s file that was changed' },
    seed: {
      packages: { 'certs 1': [{ path: 'etc/certs/tls.key', content: 'x' }] },
      above: [[{ path: 'etc/certs/tls.key', content: KEY }]],
    },
  },
  {
    ...others('no-secret'),
    what: 'a token in a program',
    seed: { files: [{ path: 'opt/tool', content: `\u007fELF\0\0${TOKEN}\0` }] },
  },
  { gate: overdue, what: 'a fix announced 120 days ago', seed: { packages: { 'openssl 3.5.1-1': [] } } },
  { gate: overdue, what: 'a fix of no known day', seed: { packages: { 'curl 8-1': [] } } },
  { gate: 'no-exploited-fixable', what: 'with a fix since yesterday', seed: { packages: { 'zlib 1': [] } } },
  { gate: 'no-exploited-fixable', what: 'another', seed: { packages: { 'xz 5': [] } } },
  { gate: 'exploited-unfixed-excepted', what: 'without a fix', seed: { packages: { 'expat 1': [] } } },
  { gate: 'exploited-unfixed-excepted', what: 'another', seed: { packages: { 'glib 1': [] } } },
  { gate: 'licences-allowed', what: 'SSPL', seed: { packages: { 'mongod 1': [] }, licences: { mongod: 'SSPL-1.0' } } },
  { gate: 'licences-allowed', what: 'BUSL', seed: { packages: { 'vault 1': [] }, licences: { vault: 'BUSL-1.1' } } },
  {
    gate: 'licences-classified',
    what: 'no copyright file',
    seed: { packages: { 'odd 1': [] }, licences: { odd: '' } },
  },
  {
    gate: 'licences-classified',
    what: 'none of two',
    seed: { packages: { 'odd 1': [], 'even 1': [] }, licences: { odd: '', even: '' } },
  },
  { gate: 'tests-passed', what: 'one that failed', asks: 'tests', tests: { starts: 'passed', stops: 'failed' } },
  { gate: 'tests-passed', what: 'none was run', asks: 'tests', tests: {} },
  { gate: 'tests-passed', what: 'one that could not be run', asks: 'tests', tests: { starts: 'error' } },
  { gate: 'evidence-verified', what: 'nobody has signed it', asks: 'key' },
  { gate: 'evidence-verified', what: 'a stranger has signed it', asks: 'key', signedBy: 'stranger' },
  { gate: 'evidence-verified', what: 'signed, and nothing said of it', asks: 'key', signedBy: 'owner' },
  { gate: 'contract-kept', what: 'another port', asks: 'previous', seed: { config: { ExposedPorts: ['80/tcp'] } } },
  { gate: 'contract-kept', what: 'another user', asks: 'previous', seed: { config: { User: '1000:1000' } } },
  {
    gate: 'contract-kept',
    what: 'another entry point',
    asks: 'previous',
    seed: { config: { Entrypoint: ['/usr/bin/other'] } },
  },
  { gate: 'contract-kept', what: 'another signal', asks: 'previous', seed: { config: { StopSignal: 'SIGQUIT' } } },
  { gate: 'base-allowed', what: 'nothing says what it was built on', asks: 'allow' },
  {
    gate: 'base-allowed',
    what: 'another registry',
    asks: 'allow',
    seed: { config: { Labels: { [BASE_NAME]: 'debian:13' } } },
  },
  {
    gate: 'base-allowed',
    what: 'another tag',
    asks: 'allow',
    seed: { config: { Labels: { [BASE_NAME]: 'registry.example.org/base/python:12' } } },
  },
  {
    ...{ gate: 'base-allowed', what: 'an entry whose day has come', asks: 'allow' },
    seed: { config: { Labels: { [BASE_NAME]: 'registry.example.org/old/python:13' } } },
  },
]

/** The allow-list that seeds are held against, and what passes it. */
export const SEED_ALLOW_LIST = `bases:
  - { image: "registry.example.org/base/*:13", reason: hardened }
  - { image: "registry.example.org/old/**", until: 2026-01-01, reason: until the move }
`
export const ALLOWED_LABELS = LABELS
