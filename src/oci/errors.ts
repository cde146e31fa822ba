import { CasemateError } from '#core'

/** What can go wrong with images, their documents, their storage and the registries that keep them. */
export type OciErrorCode =
  /** A manifest, index or config is not as the image-spec says. */
  | 'DOCUMENT_INVALID'
  /** A text is no image reference. */
  | 'REFERENCE_INVALID'
  /** A platform is unknown, or given twice. */
  | 'PLATFORM_INVALID'
  /** There is no such image, or none for the platform. */
  | 'IMAGE_UNKNOWN'
  /** An image is larger than may be read. */
  | 'IMAGE_LIMIT'
  /** A blob that a document names is not there. */
  | 'BLOB_UNKNOWN'
  /** A blob has other bytes than its descriptor says. */
  | 'BLOB_MISMATCH'
  /** A folder is no OCI layout. */
  | 'LAYOUT_INVALID'
  /** A file is no image archive. */
  | 'IMAGE_ARCHIVE_INVALID'
  /** An output cannot be written. */
  | 'OUTPUT_FAILED'
  /** The container engine is not there, or did not take the image. */
  | 'LOAD_FAILED'
  /** Credentials for a registry cannot be read. */
  | 'CREDENTIALS_FAILED'
  /** A registry does not answer. */
  | 'REGISTRY_UNREACHABLE'
  /** A registry refuses what was asked (401, 403). */
  | 'REGISTRY_REFUSED'
  /** A registry answers otherwise than the distribution-spec says. */
  | 'REGISTRY_FAILED'

/** Thrown by `oci`. */
export class OciError extends CasemateError<OciErrorCode> {}
