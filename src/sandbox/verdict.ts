import type { CommandProbe, ImageTest, NetworkProbe, Probe, ServiceExpectation } from './image-test.ts'
import { judgeFile } from './judge-file.ts'
import { judgeLicences, judgeMetadata } from './judge-metadata.ts'
import { judgeText, textContaining, textOf } from './judge-text.ts'
import type { Ending, Outcome, Output, ProbeReply, ServiceOutcome } from './outcome.ts'

/** Whether an image does what a test asks; every reason it does not, in plain words, the telling one first. */
export type Verdict = { readonly kind: 'passed' } | { readonly kind: 'failed'; readonly reasons: readonly string[] }

/** Holds what was seen against what the test asks. */
export function judge(test: ImageTest, outcome: Outcome): Verdict {
  const { metadata, licences } = test
  const around = judgeAround(outcome)
  const hasBegun = test.program.kind === 'none' || outcome.ending.kind !== 'none'
  // What a program that never began has not said is not worth a word.
  if (!hasBegun && around.length > 0) return { kind: 'failed', reasons: around }
  const reasons = [
    ...around,
    ...(test.service ? judgeService(test, test.service, outcome) : judgeEnding(test, outcome)),
    ...judgeText('stdout', test.stdout, outcome.stdout),
    ...judgeText('stderr', test.stderr, outcome.stderr),
    ...test.files.flatMap((file) => judgeFile(file, outcome.files.get(file.path))),
    ...(metadata ? judgeMetadata(metadata, outcome.config) : []),
    ...(licences ? judgeLicences(licences, outcome.licences) : []),
  ]
  return reasons.length === 0 ? { kind: 'passed' } : { kind: 'failed', reasons }
}

/** A command before or after the program that fails is the telling reason, whatever the program did then. */
function judgeAround({ around = [] }: Outcome): string[] {
  return around.flatMap(({ argv, ending, stderr }) => {
    if (ending.kind === 'exited' && ending.code === 0) return []
    return [`${JSON.stringify(argv.join(' '))}: ${describeEnding(ending)}, want exit code 0${lastWords(stderr)}`]
  })
}

function judgeEnding(test: ImageTest, { ending, stderr }: Outcome): string[] {
  if (ending.kind === 'timed-out') return [`ran longer than ${test.timeout} ms and was killed`]
  if (ending.kind === 'none' || (ending.kind === 'exited' && ending.code === test.exitCode)) return []
  return [`${describeEnding(ending, test.memory)}, want exit code ${test.exitCode}${lastWords(stderr)}`]
}

function judgeService(test: ImageTest, want: ServiceExpectation, { ending, service, stderr }: Outcome): string[] {
  if (!service?.ready) {
    if (ending.kind === 'timed-out') {
      return [
        `was not ready after ${test.timeout} ms${missingPorts(want, service?.listening ?? [])}${lastWords(stderr)}`,
      ]
    }
    return [`was never ready: ${describeEnding(ending, test.memory)}${lastWords(stderr)}`]
  }
  return [
    ...(want.probe && service.reply ? judgeReply(want.probe, service.reply) : []),
    ...judgeStartup(want, service),
    ...judgeStop(want, service, stderr),
  ]
}

function judgeStop({ stop }: ServiceExpectation, { stopped }: ServiceOutcome, stderr: Output): string[] {
  if (!stop) return []
  const signal = `after ${stop.signal ?? 'the stop signal'}`
  if (!stopped) return [`was not there to be stopped${lastWords(stderr)}`]
  if (stopped.kind === 'timed-out') return [`still ran ${stop.within} ms ${signal}`]
  if (stopped.kind === 'exited' && stopped.code === stop.exitCode) return []
  return [`${describeEnding(stopped)} ${signal}, want exit code ${stop.exitCode}${lastWords(stderr)}`]
}

function judgeStartup({ within }: ServiceExpectation, { startup }: ServiceOutcome): string[] {
  if (within === undefined || startup === undefined || startup <= within) return []
  return [`took ${startup} ms to start, want at most ${within} ms`]
}

function judgeReply(want: Probe, reply: ProbeReply): string[] {
  if (reply.kind === 'no-healthcheck') return ['the image declares no health check']
  if (want.kind === 'healthcheck' || want.kind === 'command') return judgeCommand(want, reply)
  return judgeAnswer(want, reply)
}

function judgeCommand(want: CommandProbe | { readonly kind: 'healthcheck' }, reply: ProbeReply): string[] {
  if (reply.kind !== 'command') return []
  const { ending, stdout, stderr, attempts } = reply
  const [what, exitCode] = want.kind === 'command' ? [`${want.argv[0]}`, want.exitCode] : ['the health check', 0]
  const times = attempts > 1 ? ` at the last of ${attempts} times` : ''
  const said = lastWords(stderr) || lastWords(stdout, 'stdout')
  if (ending.kind !== 'exited' || ending.code !== exitCode) {
    return [`${what}: ${describeEnding(ending)}${times}, want exit code ${exitCode}${said}`]
  }
  if (want.kind === 'healthcheck') return []
  return [
    ...judgeText(`stdout of ${what}`, want.stdout, stdout),
    ...judgeText(`stderr of ${what}`, want.stderr, stderr),
  ]
}

function judgeAnswer(want: NetworkProbe, reply: ProbeReply): string[] {
  if (reply.kind === 'unreachable') return [`does not answer on port ${want.port}: ${reply.reason}`]
  if (want.kind === 'tcp') {
    return reply.kind === 'tcp'
      ? judgeText(`port ${want.port}`, textContaining(want.contains), textOf(reply.received))
      : []
  }
  if (reply.kind !== 'http') return []
  const asked = `GET ${want.path}`
  const status = want.status ?? 200
  return [
    ...(reply.status === status ? [] : [`${asked} answers ${reply.status}, want ${status}`]),
    ...judgeText(`the answer to ${asked}`, textContaining(want.contains), textOf(reply.body)),
    ...Object.entries(want.headers ?? {}).flatMap(([name, contains]) =>
      judgeText(`header ${name}`, textContaining(contains), textOf(reply.headers[name.toLowerCase()] ?? '')),
    ),
  ]
}

function describeEnding(ending: Ending, memory?: number): string {
  if (ending.kind === 'not-started') return `could not start: ${ending.reason}`
  if (ending.kind === 'none') return 'ran nothing'
  if (ending.kind === 'timed-out') return 'timed out'
  if (ending.code <= 128) return `exit code ${ending.code}`
  const number = ending.code - 128
  const name = SIGNALS[number] ?? `signal ${number}`
  const limited = name === 'SIGKILL' && memory !== undefined
  const why = limited ? `; the kernel does so at the memory limit, here ${memory / 1024} KiB` : ''
  return `exit code ${ending.code} (killed by ${name}${why})`
}

function missingPorts({ ready, ports }: ServiceExpectation, listening: readonly number[]): string {
  const missing = [...(ready.port ? [ready.port] : []), ...ports].filter((port) => !listening.includes(port))
  return missing.length === 0 ? '' : `: nothing listens on port ${missing.join(', ')}`
}

function lastWords({ text }: Output, name = 'stderr'): string {
  return text.trim() === '' ? '' : `; ${name} ends ${JSON.stringify(text.trim().slice(-200))}`
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
  31: 'SIGSYS',
}
