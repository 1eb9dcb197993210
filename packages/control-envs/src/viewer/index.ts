/** The viewer for the page; needs three. */
export { type LiveOptions, liveSource } from './live.ts';
export { recordingSource, type ViewerMesh, type ViewerSource, type ViewerTexture } from './source.ts';
export { createViewer, type Viewer, type ViewerOptions } from './viewer.ts';
