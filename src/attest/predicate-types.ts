/** The predicate types of the statements that Casemate makes, by the short names of the command line. */
export const PREDICATES = {
  provenance: 'https://slsa.dev/provenance/v1',
  recipe: 'https://casemate.dev/attestations/recipe/v1',
  spdx: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  licences: 'https://casemate.dev/attestations/licences/v1',
  vex: 'https://openvex.dev/ns',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  test: 'https://in-toto.io/attestation/test-result/v0.1',
  vsa: 'https://slsa.dev/verification_summary/v1',
} as const

/** Gives the predicate type of a short name, or the text itself where it is a URI; `undefined` for anything else. */
export function predicateType(text: string): string | undefined {
  if (Object.hasOwn(PREDICATES, text)) return PREDICATES[text as keyof typeof PREDICATES]
  return /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : undefined
}

/** Gives the short name of a predicate type, or the type itself where it has none. */
export function predicateName(type: string): string {
  return Object.entries(PREDICATES).find(([, known]) => known === type)?.[0] ?? type
}
