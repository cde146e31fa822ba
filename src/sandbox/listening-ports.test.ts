import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseListeningPorts } from './listening-ports.ts'

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'

test('listening sockets of both families are found, each port once, and no others', () => {
  const four =
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n' +
    '   1: 0100007F:A4B2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2 1\n'
  const six =
    '   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 3 1\n' +
    '   1: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4 1\n'
  assert.deepEqual(parseListeningPorts(HEAD + four, HEAD + six), [80, 8080])
  assert.deepEqual(parseListeningPorts('', HEAD), [])
})
