// Encoders and classifiers behind an address, in a page.
import { addressSource } from './pretrained.browser.ts';
import {
  type ClassifierReadOptions,
  type PretrainedClassifier,
  type PretrainedEncoder,
  readClassifier,
  readEncoder,
} from './read-encoder.ts';

/** Opens the folder of an encoder at an address. @throws as in Node */
export const loadEncoder = (address: string | URL): Promise<PretrainedEncoder> => readEncoder(addressSource(address));

/** Opens the folder of a classifier at an address. @throws as in Node */
export const loadClassifier = (address: string | URL, o?: ClassifierReadOptions): Promise<PretrainedClassifier> =>
  readClassifier(addressSource(address), o);
