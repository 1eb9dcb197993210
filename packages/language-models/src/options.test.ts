// What is no object of options is refused as such, before a model, a tokenizer or a file is looked at.
import * as lm from './index.ts';

const takers: { [name: string]: (given: never) => unknown } = {
  decoder: lm.decoder,
  decoderConfig: lm.decoderConfig,
  encoder: lm.encoder,
  encoderConfig: lm.encoderConfig,
  seq2seq: lm.seq2seq,
  seq2seqConfig: lm.seq2seqConfig,
  loraConfig: lm.loraConfig,
  CausalLmTrainer: (o) => new lm.CausalLmTrainer(o),
  Seq2SeqTrainer: (o) => new lm.Seq2SeqTrainer(o),
  ClassifierTrainer: (o) => new lm.ClassifierTrainer(o),
};

test.each(Object.keys(takers))('%s refuses what is no object of options', (name) => {
  for (const given of [null, 3, 'text', []])
    expect(() => takers[name]?.(given as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', what: 'the options are no object' }),
    );
});
