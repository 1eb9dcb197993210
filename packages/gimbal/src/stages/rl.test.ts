import { stage } from './rl.ts';

test.each(['world:newsroom', 'ensemble:world:newsroom+repetition'])(
  'rows of the user are not judged by the newsroom, alone or in an ensemble: %s',
  (reward) => {
    const check = async (data?: string) => stage.check?.({ ...stage.options.parse({}), reward: [reward] }, { data });
    return Promise.all([
      expect(check('rows.jsonl')).rejects.toThrow('the newsroom judges summaries of its own articles'),
      expect(check()).resolves.toBeUndefined(),
    ]);
  },
);
