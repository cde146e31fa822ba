/** Every layer format that can be written, newest last. A released one is never taken away (design, promise 3). */
export const FORMATS: readonly number[] = [1]

/** The format that a new lock takes. */
export const CURRENT_FORMAT = 1
