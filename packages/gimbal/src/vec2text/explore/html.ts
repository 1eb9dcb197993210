// The page as one file: script, models and sentences stand in it, nothing is fetched.
import { readFile } from 'node:fs/promises';
import { BackendError } from '@gimbal/tensor-core';
import type { ExploreData } from './data.ts';

/** @throws BackendError if the package is not built */
export async function explorePage(data: ExploreData): Promise<string> {
  const folder = import.meta.url.endsWith('.ts')
    ? '../../../dist/'
    : import.meta.url.includes('/dist/commands/')
      ? '../'
      : './';
  const script = await readFile(new URL(`${folder}explore-page.global.js`, import.meta.url), 'utf8').catch((cause) => {
    throw new BackendError({
      where: 'gimbal vec2text explore',
      what: 'the page’s script is not built',
      fix: 'Run npm run setup',
      cause,
    });
  });
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  const title = data.title.replaceAll(/[<&]/g, '');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>Two sentences become two vectors. The slider goes from one to the other; what stands in between is decoded here, in this page.</p>
<label>model <select id="model"></select></label>
<div class="fields">
<label>A <input id="a" autocomplete="off" spellcheck="false" aria-describedby="problem-0"></label><p class="problem" id="problem-0" role="alert"></p>
<label>B <input id="b" autocomplete="off" spellcheck="false" aria-describedby="problem-1"></label><p class="problem" id="problem-1" role="alert"></p>
</div>
<label>α <input id="alpha" type="range" min="0" max="20" value="10" aria-label="place between the sentences"> <output id="place"></output></label>
<p class="notes" id="status" role="status">loading …</p>
<div id="result">
<p id="text" aria-live="polite"></p>
<p class="notes"><span id="valid"></span> <span id="similarity"></span></p>
<figure><svg id="curve" viewBox="-24 -8 448 120" role="img" aria-label="similarity to both sentences along the way"></svg>
<figcaption class="notes">Cosine of centred vectors, along the way: <span class="key-0">similar to A</span>, <span class="key-1">similar to B</span>.</figcaption></figure>
<table id="meanings" hidden><thead><tr><th></th><th>A</th><th>here</th><th>B</th></tr></thead><tbody id="slots"></tbody></table>
<h2>Nearest known sentences</h2><ol id="near"></ol>
</div>
<p class="notes">At α = 0 and 1 stands what the model writes for your sentence.<span id="round-trips" hidden> This one was trained on round trips: it keeps what a sentence means, and not its words.</span></p>
</main>
<script type="application/json" id="data">${json}</script>
<script id="script">${script.replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
[hidden] { display: none !important } body { margin: 0 } main { max-width: 44rem; margin: 0 auto; padding: 1.5rem }
h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem }
.fields label, label { display: flex; gap: .6rem; align-items: center } .fields input { flex: 1; font: inherit; padding: .4rem .6rem }
input[aria-invalid=true] { outline: 2px solid #c0392b } .problem { color: #c0392b; margin: .1rem 0 .5rem 1.8rem; min-height: 1.2em; font-size: .9rem }
#alpha { flex: 1 } #text { font-size: 1.35rem; min-height: 2.1em; margin: .8rem 0 .2rem } #text[data-valid=false] { color: #c0392b }
.notes { color: gray; font-size: .9rem; margin: .2rem 0 } figure { margin: .6rem 0 }
#result[aria-busy=true] { opacity: .5 } svg { width: 100%; height: 120px; overflow: visible }
polyline { fill: none; stroke-width: 2 } .line-0 { stroke: #2471a3 } .line-1 { stroke: #b9770e } .grid { stroke: #8884 }
.key-0 { color: #2471a3; font-weight: 600 } .key-1 { color: #b9770e; font-weight: 600 } .here { stroke: gray; stroke-dasharray: 3 3 } svg text { fill: gray; font-size: 11px }
table { border-collapse: collapse; width: 100%; font-size: .95rem } th, td { text-align: left; padding: .15rem .6rem; border-bottom: 1px solid #8884 } th { font-weight: normal; color: gray }
td[data-mark=a] { color: #2471a3; font-weight: 600 } td[data-mark=b] { color: #b9770e; font-weight: 600 } td[data-mark=both] { font-weight: 600 } td[data-mark=neither] { color: #c0392b }
ol { margin: 0; padding-left: 1.3rem; color: gray }`;
