import { type Json, visibleText } from '#core'
import type { FactoryEvent } from '../event.ts'
import type { NewMessage } from './message.ts'

/** What is told of an event itself, whatever follows from it. Most events tell nothing until something was done. */
export function messagesOfEvent({ kind, subject, payload, seen }: FactoryEvent): readonly NewMessage[] {
  const said = (key: string) => visibleText(textOf(payload, key))
  const common = { body: payload, at: seen }
  switch (kind) {
    case 'archive-alarm': {
      const title = `${subject} must not be built from: ${said('reason')}`
      return [{ ...common, kind: 'archive', severity: 'critical', title }]
    }
    case 'archive-recovered': {
      const title = `${subject} is in order again, after an alarm (${said('alarm')}) since ${said('since')}`
      return [{ ...common, kind: 'archive', severity: 'critical', title }]
    }
    case 'end-of-life':
    case 'support-ended': {
      const what = said('which') === 'archive' ? 'the security support of its archive' : 'upstream'
      const title = `${subject}: ${what} ${kind === 'support-ended' ? 'ended' : 'ends'} on ${said('date')}`
      const severity = kind === 'support-ended' ? 'high' : 'medium'
      return [{ ...common, kind: 'end-of-life', image: subject, severity, title }]
    }
    default:
      return []
  }
}

function textOf(payload: Json, key: string): string {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return ''
  const value = Object.entries(payload).find(([name]) => name === key)?.[1]
  return typeof value === 'string' ? value : ''
}
