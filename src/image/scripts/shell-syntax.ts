/** A piece of a word of the shell (POSIX.1-2024 XCU §2.3, §2.6). */
export type WordPart =
  | { readonly type: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly type: 'parameter'
      readonly name: string
      /** `:-`, `#`, `%%` …; absent for a plain expansion. */
      readonly operator?: string
      readonly operand?: Word
      readonly quoted: boolean
    }
  | { readonly type: 'substitution'; readonly body: ShellCommand; readonly quoted: boolean }
  /** An expansion that is not followed, such as arithmetic. */
  | { readonly type: 'opaque'; readonly quoted: boolean }

export type Word = readonly WordPart[]

export interface Redirection {
  readonly descriptor: number
  readonly operator: '<' | '>' | '>>' | '<<' | '>&' | '<&' | '>|' | '<>'
  /** The file or descriptor; for `<<` the document itself. */
  readonly target: Word
}

export interface SimpleCommand {
  readonly type: 'simple'
  readonly assignments: readonly { readonly name: string; readonly value: Word }[]
  readonly words: readonly Word[]
  readonly redirections: readonly Redirection[]
}

/** A command with where it stands in the text. */
export type ShellCommand = { readonly start: number; readonly end: number } & (
  | SimpleCommand
  | { readonly type: 'sequence'; readonly commands: readonly ShellCommand[] }
  | { readonly type: 'pipeline'; readonly commands: readonly ShellCommand[]; readonly negated: boolean }
  | {
      readonly type: 'and-or'
      readonly operator: '&&' | '||'
      readonly left: ShellCommand
      readonly right: ShellCommand
    }
  | {
      readonly type: 'if'
      readonly branches: readonly { readonly condition: ShellCommand; readonly body: ShellCommand }[]
      readonly otherwise?: ShellCommand
    }
  | { readonly type: 'for'; readonly name: string; readonly words: readonly Word[]; readonly body: ShellCommand }
  | { readonly type: 'while'; readonly condition: ShellCommand; readonly body: ShellCommand }
  | {
      readonly type: 'case'
      readonly word: Word
      readonly arms: readonly { readonly patterns: readonly Word[]; readonly body: ShellCommand }[]
    }
  | { readonly type: 'function'; readonly name: string; readonly body: ShellCommand }
  | {
      readonly type: 'group'
      readonly body: ShellCommand
      readonly redirections: readonly Redirection[]
      /** In parentheses: what it sets and ends stays inside. */
      readonly isSubshell: boolean
    }
)
