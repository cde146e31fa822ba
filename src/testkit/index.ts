export {
  type ArItem,
  arOf,
  buildDeb,
  compress,
  controlOf,
  type DebCompression,
  type DebFile,
  type DebSpec,
  runXz,
} from './deb.ts'
export { bytesOf, forgedTarItem, paxItem, paxRecord, type TarItem, TEST_MTIME, tarItem, tarOf } from './tar.ts'
export { type TestPath, type TestTree, testTree } from './tree.ts'
export { type HandmadePackage, type PackageFields, pkg, universeOf } from './universe.ts'
