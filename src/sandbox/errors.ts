import { CasemateError } from '#core'

/** What can go wrong before an image's tests have given an answer. A test that fails is an answer, not an error. */
export type SandboxErrorCode =
  /** A contract document is malformed. */
  | 'CONTRACT_INVALID'
  /** A definition's test is not as it should be. */
  | 'IMAGE_TEST_INVALID'
  /** A container-structure-test file is not as its schema says, or asks for what no sandbox gives. */
  | 'STRUCTURE_TEST_INVALID'
  /** An image's config cannot be run. */
  | 'IMAGE_CONFIG_INVALID'
  /** An image's user has no account in it. */
  | 'IMAGE_USER_UNKNOWN'
  /** The layers of an image cannot be unpacked. */
  | 'ROOTFS_INVALID'
  /** A test's helper image is not there. */
  | 'HELPER_MISSING'
  /** None of bwrap, runc and podman works here. */
  | 'SANDBOX_MISSING'
  /** The sandbox failed before the test could answer. */
  | 'SANDBOX_FAILED'

/** Thrown by `sandbox`. */
export class SandboxError extends CasemateError<SandboxErrorCode> {}
