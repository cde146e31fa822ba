/** A maintainer field taken apart. */
export interface Supplier {
  readonly name: string
  /** Empty where there is none. */
  readonly address: string
  /** As SPDX writes it: `name (address)`. */
  readonly text: string
}

/** Takes `Name <address>` apart (deb-control(5), "Maintainer"). */
export function supplierOf(maintainer: string): Supplier {
  const [, name = maintainer, address = ''] = /^(.*?)\s*<([^<>]*)>\s*$/.exec(maintainer) ?? []
  const plain = name.trim().replaceAll('"', '')
  return { name: plain, address, text: address === '' ? plain : `${plain} (${address})` }
}
