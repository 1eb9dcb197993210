// Every native kernel against tfjs's cpu kernel over random shapes, axes and types, at every instruction-set level.
import { runChild, testEachLevel } from './child.ts';

interface Result {
  cases: number;
  failures: string[];
  hostKernels: Record<string, number>;
}

testEachLevel(
  'native kernels agree with the cpu kernels at level %s',
  async (isa) => {
    const { cases, failures, hostKernels } = await runChild<Result>('properties/run.mjs', [], { GIMBAL_ISA: isa });
    expect(failures).toEqual([]);
    expect(cases).toBeGreaterThan(150);
    // what is compared is native code, not the same host kernel twice
    expect(hostKernels).toEqual({});
  },
  120_000,
);
