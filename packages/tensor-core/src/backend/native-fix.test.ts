import { nativeFix } from './native-fix.ts';

const project = 'in a project: npm install --include=optional @gimbal/tensor-native';

test.each([
  ['linux', 'apt install g++'],
  ['darwin', 'xcode-select --install'],
  ['win32', 'winget install LLVM.LLVM'],
  ['freebsd', 'install a C++ compiler'],
])('without a binary on %s: the compiler and the command of a clone, and what a project does', (platform, compiler) => {
  const fix = nativeFix(platform, false);
  expect(fix).toContain(compiler);
  expect(fix).toContain('then npm run setup');
  expect(fix).toContain(project);
});

test('what was switched off is switched on again, and nothing is installed', () => {
  expect(nativeFix('linux', true)).toBe('unset GIMBAL_NATIVE');
});
