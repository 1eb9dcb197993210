// One update of soft actor-critic at the size of the locomotion benchmarks, eager and captured.
import { compare } from '../bench/row.ts';
import { defineSuite } from '../bench/suite.ts';
import { SacUpdate } from './internal/sac-update.ts';

const sizes = { batch: 256, observation: 17, action: 6, hidden: 256 };

export const suite = defineSuite({
  name: 'rl-update',
  summary: 'one SAC update: two critics, actor, Adam, targets',
  async *run(context) {
    const peer = await context.peer('rl_update.py');
    using sac = new SacUpdate(sizes);
    const common = {
      unit: 'ms',
      value: (seconds: number) => seconds * 1e3,
      against: { peer, case: 'update', arguments: sizes },
      // agents do tens of thousands of updates; the first three hundred run code that is not compiled yet
      sampling: { rounds: 15, roundSeconds: 0.4, budgetSeconds: 20, warmSeconds: 2 },
    };
    yield await compare(context, {
      ...common,
      name: 'update, eager',
      goal: 2,
      work: (calls) => {
        for (let i = 0; i < calls; i++) sac.update();
      },
    });
    if (context.backend !== 'native') return; // elsewhere a captured step is the eager one
    using captured = sac.capture();
    yield await compare(context, {
      ...common,
      name: 'update, captured',
      goal: 2,
      work: (calls) => {
        for (let i = 0; i < calls; i++) captured.update();
      },
    });
  },
});
