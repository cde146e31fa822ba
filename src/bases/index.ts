export { type AllowedBase, type AllowList, type BaseSigner, parseAllowList } from './allow-list.ts'
export { BasesError, type BasesErrorCode } from './errors.ts'
export { type BaseName, type BaseVerdict, judgeBase, parseBaseName } from './judge-base.ts'
