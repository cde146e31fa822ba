import { type HuffmanCode, huffmanCode } from './huffman.ts'

/** The first match length of each length code (RFC 1951 §3.2.5). */
export const LENGTHS = Uint16Array.of(
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  13,
  15,
  17,
  19,
  23,
  27,
  31,
  35,
  43,
  51,
  59,
  67,
  83,
  99,
  115,
  131,
  163,
  195,
  227,
  258,
)
/** How many extra bits a length code has. */
export const LENGTH_BITS = Uint8Array.of(
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  1,
  1,
  1,
  1,
  2,
  2,
  2,
  2,
  3,
  3,
  3,
  3,
  4,
  4,
  4,
  4,
  5,
  5,
  5,
  5,
  0,
)
/** The first distance of each distance code. */
export const DISTANCES = Uint16Array.of(
  1,
  2,
  3,
  4,
  5,
  7,
  9,
  13,
  17,
  25,
  33,
  49,
  65,
  97,
  129,
  193,
  257,
  385,
  513,
  769,
  1025,
  1537,
  2049,
  3073,
  4097,
  6145,
  8193,
  12289,
  16385,
  24577,
)
/** How many extra bits a distance code has. */
export const DISTANCE_BITS = Uint8Array.of(
  0,
  0,
  0,
  0,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  5,
  6,
  6,
  7,
  7,
  8,
  8,
  9,
  9,
  10,
  10,
  11,
  11,
  12,
  12,
  13,
  13,
)
/** The order in which the lengths of the code length code stand (RFC 1951 §3.2.7). */
export const CODE_ORDER = Uint8Array.of(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
/** The symbol that ends a block. */
export const END_OF_BLOCK = 256

/** The codes of blocks without a code of their own (RFC 1951 §3.2.6). */
export const FIXED_LITERALS = fixedCode()
/** Their distance code. */
export const FIXED_DISTANCES = huffmanCode(new Uint8Array(32).fill(5), false)

function fixedCode(): HuffmanCode {
  const lengths = new Uint8Array(288).fill(8)
  lengths.fill(9, 144, 256)
  lengths.fill(7, 256, 280)
  return huffmanCode(lengths, false)
}
