/** The viewer for the page; needs three. */
export { recordingSource, type ViewerMesh, type ViewerSource } from './source.ts';
export { createViewer, type Viewer, type ViewerOptions } from './viewer.ts';
