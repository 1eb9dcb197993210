/** The script of the self-contained page: plays the recording that stands in the page as JSON. */
import type { Recording } from '../recording/recording.ts';
import { recordingSource } from './source.ts';
import { createViewer } from './viewer.ts';

const data = document.getElementById('recording')?.textContent ?? '';
const container = document.getElementById('viewer');
if (container !== null) {
  const viewer = createViewer(container, recordingSource(JSON.parse(data) as Recording));
  Object.assign(globalThis, { viewer }); // for the console, and tests
}
