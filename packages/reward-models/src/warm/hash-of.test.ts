import { createHash } from 'node:crypto';
import { hashOf } from './hash-of.node.ts';

test('rows have the name they had, whatever the order of their columns; whole numbers beyond 2^53 are told apart', () => {
  // as folders hold it: [["a",1],["b","x"]] and a line feed
  const wanted = createHash('sha256').update('[["a",1],["b","x"]]\n').digest('hex').slice(0, 32);
  expect(hashOf([{ b: 'x', a: 1 }])).toBe(wanted);
  const [odd, even] = [hashOf([{ id: 9007199254740993n }]), hashOf([{ id: 9007199254740994n }])];
  expect(odd).not.toBe(even);
  expect(hashOf([{ id: 9007199254740993n }])).toBe(odd);
});
