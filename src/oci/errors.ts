import { CasemateError } from '#core'

/** What can go wrong with images, their documents, their storage and the registries that keep them. */
export type OciErrorCode =
  | 'DOCUMENT_INVALID'
  | 'REFERENCE_INVALID'
  | 'PLATFORM_INVALID'
  | 'IMAGE_UNKNOWN'
  | 'BLOB_UNKNOWN'
  | 'BLOB_MISMATCH'
  | 'LAYOUT_INVALID'
  | 'IMAGE_ARCHIVE_INVALID'
  | 'OUTPUT_FAILED'
  | 'LOAD_FAILED'
  | 'CREDENTIALS_FAILED'
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_REFUSED'
  | 'REGISTRY_FAILED'

/** Thrown by `oci`. */
export class OciError extends CasemateError<OciErrorCode> {}
