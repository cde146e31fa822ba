import { CasemateError } from '#core'

/** What a verb's end means to whoever called it. */
export const exitStatus = { done: 0, no: 1, wrongUse: 2, notDone: 3 } as const

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus]

/**
 * Codes that say the input is wrong: a person has to change something before it can work. Every other code means that
 * it could not be done: network, disk, missing data, an archive that is not to be trusted.
 */
const wrongUse: readonly RegExp[] = [
  /^(DEFINITION|LOCK|IMAGE_TEST|STRUCTURE_TEST|CERTIFICATE|EFFECT|REQUEST|REFERENCE|PLATFORM|VERSION|TAG|TEST|CONTRACT|ARCHIVE|MIRROR|EXTENDS|USAGE|ADVISORIES|IGNORE|SBOM|ACCESS|AUTHORITY)_/,
  /^(PATH_CONFLICT|EFFECT_CONFLICT|SOURCE_INVALID|SCRIPT_OPEN|ADVISORY_SOURCE_INVALID)$/,
  /^(VEX_INVALID|VEX_CONFLICT|ENVELOPE_INVALID|KEY_INVALID|KEY_LOCKED|STATEMENT_INVALID|RECIPE_INVALID|ROOT_INVALID|TOKEN_INVALID)$/,
  /^(POLICY_INVALID|EXCEPTIONS_INVALID|ALLOW_LIST_INVALID|ALLOW_LIST_UNTRANSLATABLE|DOCKERFILE_INVALID)$/,
  /^(PATCH_UNSUPPORTED|PATCH_IMPOSSIBLE|PATCH_CONFLICT|PATCH_LIMIT)$/,
  /^(DATABASE_INVALID|POSTGRES_USER|BACKUP_INVALID|RESTORE_REFUSED|LEDGER_INVALID|SETTINGS_INVALID|FLEET_INVALID|RELEASE_UNKNOWN)$/,
  /^(FOLDER_INVALID|GIT_REFUSED|WEBHOOK_INVALID|WEBHOOK_REFUSED|INVENTORY_INVALID)$/,
]

/** Gives the exit status for what a verb threw. */
export function statusOfError(error: unknown): ExitStatus {
  if (!(error instanceof CasemateError)) return exitStatus.notDone
  return wrongUse.some((pattern) => pattern.test(error.code)) ? exitStatus.wrongUse : exitStatus.notDone
}

/** Writes an error as people read it: the message with its code; an error that is none of ours with its stack. */
export function formatError(error: unknown): string {
  if (error instanceof CasemateError) {
    const cause =
      error.cause instanceof Error && !error.message.includes(error.cause.message)
        ? `\n  because ${error.cause.message}`
        : ''
    return `${error.message}  [${error.code}]${cause}`
  }
  if (error instanceof Error) return `cannot go on: ${error.stack ?? error.message}`
  return `cannot go on: ${String(error)}`
}
