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
  /** The certificates of a registry's authorities cannot be read. */
  | 'AUTHORITY_INVALID'
  /** A registry does not answer. */
  | 'REGISTRY_UNREACHABLE'
  /** A registry refuses what was asked (401, 403). */
  | 'REGISTRY_REFUSED'
  /** More manifests refer to one than anybody attaches, so none of them is looked at. */
  | 'REFERRERS_TOO_MANY'
  /** A registry answers otherwise than the distribution-spec says. */
  | 'REGISTRY_FAILED'
  /** A request to our own registry is refused; the client gets the code that the distribution-spec has for it. */
  | 'REQUEST_REFUSED'
  /** The folder of a registry is served by another process already. */
  | 'STORE_LOCKED'
  /** What a registry's folder holds is not what was acknowledged. */
  | 'STORE_DAMAGED'
  /** There is no space left for what a registry is to store. */
  | 'STORE_FULL'
  /** A registry's folder cannot be read or written. */
  | 'STORE_FAILED'
  /** A file that says who may do what in a registry is not as it should be. */
  | 'ACCESS_INVALID'

/** Thrown by `oci`. */
export class OciError extends CasemateError<OciErrorCode> {}
