export { TEST_NOW, type TestAnswer, type TestApi, type TestRequest, testApi } from './api.ts'
export {
  type TestArchive,
  type TestArchiveOptions,
  type TestDeb,
  type TestPublication,
  testArchive,
  testKey,
} from './archive.ts'
export { testBrowser } from './browser.ts'
export { type ClientKills, killClients } from './client-kill.ts'
export { type DatabaseKills, killDatabase } from './database-kill.ts'
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
export { type DebianTool, debianTool, installDebianTools } from './debian-tools.ts'
export { dockerRegistry, httpServer, type Interference, proxyBefore } from './docker-registry.ts'
export { testEffectInput, testPackage } from './effects.ts'
export { type SampleElf, sampleElf } from './elf.ts'
export { type FilledFactory, fillFactory, heldPackage, releaseOf } from './factory.ts'
export { type ImagePlace, type TestImage, testImagePlace } from './image-place.ts'
export { type Fault, type MirrorRequest, requestsFor, type TestMirror, testMirror } from './mirror.ts'
export {
  databaseFolder,
  debianPrograms,
  serverOptions,
  TEST_POSTGRES_USER,
  TEST_SERVERS,
  type TestServer,
  type TestServers,
  testServers,
} from './postgres.ts'
export { clearsign } from './sign.ts'
export { TEST_ISSUER, type TestSigstore, type TrustedRootJson, testSigstore } from './sigstore.ts'
export { type SoftToken, softToken } from './soft-token.ts'
export { bytesOf, forgedTarItem, paxItem, paxRecord, type TarItem, TEST_MTIME, tarItem, tarOf } from './tar.ts'
export { type TestPath, type TestTree, testTree } from './tree.ts'
export { type HandmadePackage, type PackageFields, pkg, universeOf } from './universe.ts'
export { type TestVault, testVault } from './vault.ts'
