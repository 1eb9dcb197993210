import { node } from '../../src/backend/tensorflow/candidates.node.ts';

const answer = await node.load({});
const looked = await node.look?.({});
process.stdout.write(`${JSON.stringify({ message: 'reason' in answer ? answer.reason : '', looked })}\n`);
