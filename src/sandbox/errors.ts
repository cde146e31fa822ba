import { CasemateError } from '#core'

/** What can go wrong before an image's tests have given an answer. A test that fails is an answer, not an error. */
export type SandboxErrorCode =
  | 'CONTRACT_INVALID'
  | 'IMAGE_TEST_INVALID'
  | 'IMAGE_CONFIG_INVALID'
  | 'IMAGE_USER_UNKNOWN'
  | 'ROOTFS_INVALID'
  | 'ROOTFS_LIMIT'
  | 'SANDBOX_MISSING'
  | 'SANDBOX_FAILED'

/** Thrown by `sandbox`. */
export class SandboxError extends CasemateError<SandboxErrorCode> {}
