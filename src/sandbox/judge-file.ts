import type { FileExpectation } from './expectation.ts'
import { judgeText } from './judge-text.ts'
import type { FileState } from './outcome.ts'

/** Every reason why a path is not as it should be; `got` is `undefined` where there is nothing. */
export function judgeFile(want: FileExpectation, got: FileState | undefined): string[] {
  if (want.isAbsent) return got ? [`${want.path} is there, want it absent`] : []
  if (!got) return [`${want.path} is not there`]
  return [...judgeMode(want, got), ...judgeOwner(want, got), ...judgeContent(want, got)]
}

function judgeMode({ path, mode, permissions, executableBy }: FileExpectation, got: FileState): string[] {
  const reasons: string[] = []
  if (mode !== undefined && got.mode !== mode) {
    reasons.push(`${path} has mode ${octal(got.mode)}, want ${octal(mode)}`)
  }
  const seen = formatFileMode(got)
  if (permissions !== undefined && seen !== permissions) reasons.push(`${path} is ${seen}, want ${permissions}`)
  if (executableBy !== undefined && (got.mode & EXECUTABLE[executableBy]) === 0) {
    const whom = executableBy === 'any' ? 'anybody' : executableBy
    reasons.push(`${path} is ${seen}, want it executable by ${whom}`)
  }
  return reasons
}

function judgeOwner({ path, uid, gid }: FileExpectation, { owner }: FileState): string[] {
  if (uid === undefined && gid === undefined) return []
  if (!owner) return [`whose ${path} is cannot be told without root, as a program has made it`]
  return [
    ...(uid === undefined || uid === owner.uid ? [] : [`${path} belongs to user ${owner.uid}, want ${uid}`]),
    ...(gid === undefined || gid === owner.gid ? [] : [`${path} belongs to group ${owner.gid}, want ${gid}`]),
  ]
}

function judgeContent({ path, content }: FileExpectation, got: FileState): string[] {
  if (!content) return []
  return got.content ? judgeText(path, content, got.content) : [`${path} is no regular file`]
}

/** Type and permissions as Go's `fs.FileMode` writes them: `-rw-r--r--`, `drwxr-xr-x`, `dtrwxrwxrwx`, `urwxr-xr-x`. */
export function formatFileMode({ type, mode }: Pick<FileState, 'type' | 'mode'>): string {
  const special = [
    ...(type === 'directory' ? ['d'] : type === 'link' ? ['L'] : type === 'other' ? ['?'] : []),
    ...((mode & 0o4000) === 0 ? [] : ['u']),
    ...((mode & 0o2000) === 0 ? [] : ['g']),
    ...((mode & 0o1000) === 0 ? [] : ['t']),
  ].join('')
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((mode & (0o400 >> index)) === 0 ? '-' : letter)).join('')
  return `${special || '-'}${bits}`
}

const EXECUTABLE = { owner: 0o100, group: 0o010, other: 0o001, any: 0o111 } as const

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
