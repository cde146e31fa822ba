/** Orders texts by code unit. */
export function compareText(left: string, right: string): -1 | 0 | 1 {
  return left === right ? 0 : left < right ? -1 : 1
}
