// Matrix products at every instruction-set level of this machine, each in a process of its own.
import { runChild, testEachLevel } from './child.ts';

testEachLevel(
  'products equal float64 sums at level %s, for every edge of the tiles',
  async (isa) => {
    const result = await runChild<{ isa: string; cases: number; failures: string[] }>('products/run.mjs', [], {
      GIMBAL_ISA: isa,
    });
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ isa, cases: 262 });
  },
  60_000,
);
