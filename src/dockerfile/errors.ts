import { CasemateError } from '#core'

/** Why a Dockerfile cannot be judged. */
export type DockerfileErrorCode =
  /** It is too long, or has no stage at all. */
  'DOCKERFILE_INVALID'

/** Thrown by `dockerfile`. */
export class DockerfileError extends CasemateError<DockerfileErrorCode> {}
