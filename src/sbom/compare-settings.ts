import { canonicalJson } from '#core'
import type { ImageSettings } from './image-state.ts'

/** A part of the config in which two images differ. */
export interface SettingChange {
  readonly setting: keyof ImageSettings
  /** Which variable or label; empty for all other settings. */
  readonly name: string
  /** `undefined` where there is no such variable or label. */
  readonly from: string | readonly string[] | undefined
  readonly to: string | readonly string[] | undefined
}

/** What differs between two configs, in the order of `ImageSettings`; variables and labels one by one, by name. */
export function compareSettings(from: ImageSettings, to: ImageSettings): readonly SettingChange[] {
  const plain = (['user', 'entrypoint', 'cmd'] as const).flatMap((key) => changed(key, from[key], to[key]))
  const sets = (['ports', 'volumes'] as const).flatMap((key) => {
    const [left, right] = [from[key].toSorted(), to[key].toSorted()]
    return changed(key, left, right)
  })
  const last = (['stop-signal', 'work-dir'] as const).flatMap((key) => changed(key, from[key], to[key]))
  return [
    ...plain,
    ...named('environment', from.environment, to.environment),
    ...sets,
    ...last,
    ...named('labels', from.labels, to.labels),
  ]
}

function named(
  setting: 'environment' | 'labels',
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): readonly SettingChange[] {
  const names = new Set([...Object.keys(from), ...Object.keys(to)])
  const valueUnder = (map: Readonly<Record<string, string>>, name: string) =>
    Object.hasOwn(map, name) ? map[name] : undefined
  return [...names]
    .sort()
    .map((name) => ({ setting, name, from: valueUnder(from, name), to: valueUnder(to, name) }))
    .filter((change) => change.from !== change.to)
}

function changed(
  setting: keyof ImageSettings,
  from: string | readonly string[],
  to: string | readonly string[],
): readonly SettingChange[] {
  return canonicalJson([from]) === canonicalJson([to]) ? [] : [{ setting, name: '', from, to }]
}
