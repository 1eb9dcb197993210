// Tests that need the native binary: where there is none (no compiler, another platform) they are skipped, with the reason.
import { isNativeAvailable, nativeUnavailableReason } from '../src/index.ts';

const isHere = isNativeAvailable();
if (!isHere) process.stdout.write(`skipped, no native binary: ${nativeUnavailableReason()}\n`);

/** `describe` and `test` where there is a binary, else skipped. */
export const describeNative: jest.Describe = isHere ? describe : describe.skip;
export const testNative: jest.It = isHere ? test : test.skip;
