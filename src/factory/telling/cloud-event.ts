import { canonicalJson, digestOf, hexOf, type Json } from '#core'
import type { Message, MessageKind } from './message.ts'

/** The `type` of the CloudEvents by which each kind of message is told; another shape of its data is another version. */
export const CLOUD_EVENT_TYPES: Readonly<Record<MessageKind, string>> = {
  release: 'dev.casemate.release.v1',
  held: 'dev.casemate.held.v1',
  failed: 'dev.casemate.failed.v1',
  warning: 'dev.casemate.warning.v1',
  breach: 'dev.casemate.breach.v1',
  archive: 'dev.casemate.archive.v1',
  'end-of-life': 'dev.casemate.end-of-life.v1',
}

/** A message in the structured JSON form of CloudEvents 1.0. */
export type CloudEvent = {
  readonly specversion: '1.0'
  /** The same for the same message, however often it is sent; different for messages of different factories. */
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject?: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: Json
}

/** Writes a message as a CloudEvent. `source` is the URI reference by which this factory is known. */
export function cloudEventOf(message: Message, source: string): CloudEvent {
  const { id, kind, image, owner, severity, title, body, at } = message
  return {
    specversion: '1.0',
    id: `msg_${hexOf(digestOf(canonicalJson([source, id]))).slice(0, 32)}`,
    source,
    type: CLOUD_EVENT_TYPES[kind],
    ...(image === undefined ? {} : { subject: image }),
    time: at,
    datacontenttype: 'application/json',
    data: {
      title,
      ...(image === undefined ? {} : { image }),
      ...(owner === undefined ? {} : { owner }),
      ...(severity === undefined ? {} : { severity }),
      ...(typeof body === 'object' && body !== null && !Array.isArray(body) ? body : { value: body }),
    },
  }
}
