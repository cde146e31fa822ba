/** A line of sysusers.d(5) that makes an account, a group or a membership. */
export type SysusersLine =
  | {
      readonly type: 'account'
      readonly name: string
      readonly uid?: number
      /** The primary group, by number or name; absent for a group of the account's own name. */
      readonly group?: string
      readonly comment?: string
      readonly home?: string
      readonly shell?: string
    }
  | { readonly type: 'group'; readonly name: string; readonly gid?: number }
  | { readonly type: 'member'; readonly account: string; readonly group: string }

/** Reads a file of sysusers.d(5), in its order. Ranges (`r`) and ids taken from a path say nothing to a fresh root. */
export function parseSysusers(text: string): readonly SysusersLine[] {
  return text.split('\n').flatMap((line): SysusersLine[] => {
    const fields = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? '',
    )
    const [type, name, id, comment, home, shell] = fields.map((field) => (field === '-' ? undefined : field))
    if (type === undefined || name === undefined || type.startsWith('#')) return []
    switch (type.replace(/!$/, '')) {
      case 'u': {
        const [uid, group] = (id ?? '').split(':')
        return [{ type: 'account', name, ...withId('uid', uid), ...given({ group, comment, home, shell }) }]
      }
      case 'g':
        return [{ type: 'group', name, ...withId('gid', id) }]
      case 'm':
        return id === undefined ? [] : [{ type: 'member', account: name, group: id }]
      default:
        return []
    }
  })
}

function withId<Key extends string>(key: Key, text: string | undefined): { [K in Key]?: number } {
  const value: { [K in Key]?: number } = {}
  if (text !== undefined && /^[0-9]+$/.test(text)) value[key] = Number(text)
  return value
}

function given<Key extends string>(values: { [K in Key]: string | undefined }): { [K in Key]?: string } {
  const kept: { [K in Key]?: string } = {}
  for (const key in values) {
    const value = values[key]
    if (value !== undefined && value !== '') kept[key] = value
  }
  return kept
}
