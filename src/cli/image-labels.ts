/** Labels by which Casemate knows its own images again: the definition's name, and which of its variants this is. */
export const imageLabels = { image: 'dev.casemate.image', variant: 'dev.casemate.variant' } as const
