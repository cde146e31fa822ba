/** A moment in UTC, to the millisecond, as `Date.toISOString` writes it: texts order as the moments do. */
export type Moment = string
