import type { Effect } from './effect.ts'
import { readText, textFile } from './entry.ts'

const SHIPPED = '/usr/share/libc-bin/nsswitch.conf'

/** For images without libc-bin: local files for everything, and DNS for hosts. */
const DEFAULT = `passwd:         files
group:          files
shadow:         files
gshadow:        files

hosts:          files dns
networks:       files

protocols:      files
services:       files
ethers:         files
rpc:            files
`

/** Programs other than those of glibc (Go's resolver, musl) read the file as well, so every image has one. */
export const nameService: Effect = {
  name: 'name-service',
  summary: 'Writes /etc/nsswitch.conf where no package does: hosts from files, then DNS.',
  apply(context) {
    const path = '/etc/nsswitch.conf'
    return context.tree.get(path) === undefined ? [textFile(path, readText(context, SHIPPED) ?? DEFAULT)] : []
  },
}
