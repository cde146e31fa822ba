import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type TarItem, tarOf } from '#testkit'
import type { TestableImage } from './prepared-image.ts'

/** The platform of images that run here. */
export const HERE = process.arch === 'x64' ? 'amd64' : process.arch

const CONTRACT = {
  schema: 'casemate.contract/v1',
  user: { name: 'nonroot', uid: 65532, gid: 65532 },
  entrypoint: [],
  cmd: [],
  ports: [],
  writable: ['/tmp'],
  'stop-signal': 'SIGTERM',
  environment: {},
  'work-dir': '/srv',
}

const FILES: readonly TarItem[] = [
  { path: 'bin', type: 'directory' },
  { path: 'bin/busybox', mode: 0o755, content: fs.readFileSync('/bin/busybox') },
  ...['sh', 'id', 'cat', 'sleep', 'env', 'touch', 'true', 'httpd', 'wget'].map(
    (name): TarItem => ({ path: `bin/${name}`, type: 'symlink', linkPath: 'busybox' }),
  ),
  { path: 'etc', type: 'directory' },
  { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532::/home/nonroot:/bin/sh\n' },
  { path: 'etc/owned', mode: 0o640, uid: 7, gid: 8, content: 'whose\n' },
  { path: 'srv', type: 'directory', mode: 0o775, uid: 65532, gid: 65532 },
  { path: 'srv/index.html', content: '<h1>Welcome</h1>\n' },
  { path: 'tmp', type: 'directory', mode: 0o1777 },
  { path: 'usr', type: 'directory' },
  { path: 'usr/share', type: 'directory' },
  { path: 'usr/share/doc', type: 'directory' },
  { path: 'usr/share/doc/busybox', type: 'directory' },
  { path: 'usr/share/doc/busybox/copyright', content: 'License: GPL-2\n' },
]

/** An image with busybox, to run real programs in; `more` are entries of a second layer. */
export function sampleImage(config: object = {}, ...more: readonly TarItem[]): TestableImage {
  const layers = [gzipSync(tarOf(...FILES), { level: 1 }), gzipSync(tarOf(...more))]
  return {
    config: {
      os: 'linux',
      architecture: HERE,
      config: {
        User: '65532:65532',
        WorkingDir: '/srv',
        Env: ['PATH=/bin', 'GREETING=hello'],
        Entrypoint: ['/bin/sh', '-c'],
        Cmd: ['echo default'],
        ExposedPorts: { '8080/tcp': {}, '53/udp': {} },
        Volumes: { '/data': {} },
        Labels: { 'dev.casemate.contract': JSON.stringify(CONTRACT), build: '2026-11-21' },
        ...config,
      },
    },
    layers: layers.map((bytes) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      async *open() {
        yield bytes
      },
    })),
  }
}

/** A folder that every user may enter, for unpacked images. */
export function openScratch(): string {
  const scratch = fs.mkdtempSync(join(tmpdir(), 'sandbox-test-'))
  fs.chmodSync(scratch, 0o755)
  process.env['TMPDIR'] = scratch
  return scratch
}
