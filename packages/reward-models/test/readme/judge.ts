import { loadClassifier } from '@gimbal/language-models';
import { classifierJudge, entailmentReward, nliLabels } from '@gimbal/reward-models';
import { disposeTree, useBackend } from '@gimbal/tensor-core';

await useBackend('auto');
// what `gimbal reward --kind entailment` left in its run, or a classifier of text pairs of Python's
const { model, params, tokenizer } = await loadClassifier('runs/reward-2/model');
if (!tokenizer) throw new Error('the folder has no tokenizer');
const judge = classifierJudge(model, params, tokenizer, { labels: nliLabels(model), emptyPolicy: 'reject' });

const premise = 'A man is playing a guitar on a stage.';
const reward = entailmentReward(judge); // log P(the prompt entails the completion)
console.log(await reward([premise, premise], ['A man makes music.', 'Nobody is on the stage.']));
disposeTree(params);
