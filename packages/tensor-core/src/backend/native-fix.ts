/** How a C++ compiler is installed, by `process.platform`. */
const compilers: { readonly [platform: string]: string } = {
  linux: 'install a C++ compiler (apt install g++, dnf install gcc-c++ or apk add g++)',
  darwin: 'install a C++ compiler (xcode-select --install)',
  win32: 'install a C++ compiler (clang: winget install LLVM.LLVM)',
};

/**
 * What to do where the native binary does not load: a clone compiles it, a project downloads it.
 * @param isOff whether GIMBAL_NATIVE=off is the reason
 */
export function nativeFix(platform: string, isOff: boolean): string {
  if (isOff) return 'unset GIMBAL_NATIVE';
  const compiler = compilers[platform] ?? 'install a C++ compiler';
  return `in a clone: ${compiler}, then npm run setup; in a project: npm install --include=optional @gimbal/tensor-native`;
}
