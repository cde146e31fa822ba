import { relative } from 'node:path'

/** A place in a file, `FILE:LINE:COLUMN` with an absolute path, as somebody in this folder would write it, where that is shorter. */
export function relativePlace(place: string): string {
  const near = relative(process.cwd(), place)
  return near.length < place.length ? near : place
}
