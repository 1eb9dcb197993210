/** One HTML file that plays a recording anywhere: the viewer's script and the data stand in it, nothing is fetched. */
import { readFile } from 'node:fs/promises';
import { BackendError } from '@gimbal/tensor-core';
import { checkRecording } from '../recording/parse-recording.ts';
import type { Recording } from '../recording/recording.ts';

/**
 * A recording as one HTML page that plays it by itself, without a network.
 * @throws BackendError if the package is not built; DataError for a damaged recording
 */
export async function viewerHtml(recording: Recording): Promise<string> {
  checkRecording(recording, 'viewerHtml');
  const built = import.meta.url.endsWith('.ts') ? '../../dist/viewer-page.global.js' : './viewer-page.global.js';
  const script = await readFile(new URL(built, import.meta.url), 'utf8').catch((cause) => {
    throw new BackendError({ where: 'viewerHtml', what: 'the viewer is not built', fix: 'Run npm run setup', cause });
  });
  const data = JSON.stringify(recording).replaceAll('<', '\\u003c');
  const title = recording.env.replaceAll(/[<&]/g, '');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>html, body, #viewer { margin: 0; height: 100%; overflow: hidden; position: relative }</style>
</head>
<body>
<div id="viewer"></div>
<script type="application/json" id="recording">${data}</script>
<script>${script.replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}
