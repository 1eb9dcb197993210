// Jest's mock of an ES module, which its types do not know yet.

/** Puts `exports` in the place of a module, for what is imported afterwards by `import()`. @param path from this folder */
export const mockModule = (path: string, exports: () => object): void =>
  (
    import.meta.jest as unknown as { unstable_mockModule(path: string, exports: () => object): void }
  ).unstable_mockModule(path, exports);
