declare const brand: unique symbol

/** The compiled xz decoder. May be posted to worker threads, which then need not compile it again. */
export interface XzModule {
  readonly [brand]: 'XzModule'
}

/** What the decoder exports: xz-embedded behind four functions over one context, in its own memory. */
export interface XzExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  create_context(): number
  destroy_context(context: number): void
  supply_input(context: number, size: number): void
  get_next_output(context: number): number
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => XzModule
  readonly Instance: new (module: XzModule, imports: object) => { readonly exports: object }
}

/** Compiles the decoder from the bytes of its WebAssembly file. */
export function compileXzModule(bytes: Uint8Array): XzModule {
  return new WebAssembly.Module(bytes)
}

/** Makes an instance with a memory of its own. Throws a `TypeError` for a module that is another program. */
export function instantiateXz(module: XzModule): XzExports {
  const { exports } = new WebAssembly.Instance(module, {})
  if (!isXz(exports)) throw new TypeError('cannot use the xz decoder: its module does not export what is needed')
  return exports
}

function isXz(exports: object): exports is XzExports {
  const names = ['memory', 'create_context', 'destroy_context', 'supply_input', 'get_next_output']
  return names.every((name) => name in exports)
}
