/** The script of the self-contained page: plays the recording that stands in the page as JSON. */
import type { Recording } from '../recording/recording.ts';
import { recordingSource } from './source.ts';
import { createViewer } from './viewer.ts';

const data = document.getElementById('recording')?.textContent ?? '';
const container = document.getElementById('viewer');
if (container !== null) {
  try {
    const source = recordingSource(JSON.parse(data) as Recording);
    const last = source.poses(source.frames - 1);
    if (last.length === 0 || last.length !== 7 * source.geoms.length) throw new Error('its poses are incomplete');
    const viewer = createViewer(container, source);
    Object.assign(globalThis, { viewer }); // for the console, and tests
  } catch (error) {
    // a damaged file, or a browser without WebGL: an empty page would say nothing
    const said = document.createElement('p');
    said.setAttribute('role', 'alert');
    said.style.cssText = 'font: 15px system-ui, sans-serif; padding: 24px';
    said.textContent = `This recording cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
    container.replaceChildren(said);
    console.error(error);
  }
}
