import type { Shape } from '#core'
import { parts } from './schema-parts.ts'

const { described, listOf, text } = parts

/** signal(7), without the real-time signals, which are given by number. */
const SIGNALS = [
  ...[
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGILL',
    'SIGTRAP',
    'SIGABRT',
    'SIGBUS',
    'SIGFPE',
    'SIGKILL',
    'SIGUSR1',
    'SIGSEGV',
  ],
  ...['SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGSTKFLT', 'SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN'],
  ...['SIGTTOU', 'SIGURG', 'SIGXCPU', 'SIGXFSZ', 'SIGVTALRM', 'SIGPROF', 'SIGWINCH', 'SIGIO', 'SIGPWR', 'SIGSYS'],
]

/** The shape of a contract, as definitions declare it. */
export const contract = {
  type: 'object',
  title: 'the keys of a contract',
  description: 'What the image promises to whoever runs it; a change of it is a change of the interface.',
  additionalProperties: false,
  properties: {
    'run-as': {
      title: 'an account name, a user id or "uid:gid"',
      description: 'The user that the entrypoint runs as. Default: nonroot.',
      anyOf: [parts.id, text('an account', '^(?:[a-z_][a-z0-9_-]{0,31}|[0-9]{1,10}(?::[0-9]{1,10})?)$')],
    },
    'work-dir': described(parts.directoryPath, 'Where the entrypoint starts. Default: /.'),
    ports: listOf(parts.port, 'a list of ports', 'Ports it listens on: 8080 or "53/udp".'),
    writable: listOf(parts.absolutePath, 'a list of paths', 'Paths it writes to; all others may be read-only.'),
    volumes: listOf(parts.absolutePath, 'a list of paths', 'Paths that hold data worth keeping.'),
    'stop-signal': {
      title: 'a signal such as SIGTERM, or its number',
      description: 'What stops it in order. Default: SIGTERM.',
      anyOf: [{ enum: SIGNALS }, { type: 'integer', minimum: 1, maximum: 64 }],
    },
  },
} as const satisfies Shape
