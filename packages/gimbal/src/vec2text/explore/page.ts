// The script of the page: on the page itself it draws; in the worker that it starts of itself it computes.
import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import type { ExploreData, ExplorePath, ExploreProblem } from './data.ts';
import { Explorer } from './explorer.ts';
import { newestFirst } from './newest.ts';
import { mount } from './view.ts';

/** What the worker is asked. */
type Request = { data: ExploreData } | { texts: [string, string]; which: number };
/** What it answers. */
type Answer = { ready: true } | { path: ExplorePath | ExploreProblem } | { failed: string };

const inPage = typeof document !== 'undefined';
if (inPage) start();
else serve();

function serve(): void {
  const scope = globalThis as unknown as {
    onmessage: (e: MessageEvent<Request>) => void;
    postMessage(a: Answer): void;
  };
  let explorer: Promise<Explorer> | undefined;
  scope.onmessage = async ({ data: asked }) => {
    try {
      if ('data' in asked) {
        await setBackend('cpu');
        explorer = Explorer.open(asked.data);
        await explorer;
        scope.postMessage({ ready: true });
        return;
      }
      const open = (await explorer) as Explorer;
      scope.postMessage({ path: await open.path(asked.texts, asked.which) });
    } catch (error) {
      scope.postMessage({ failed: (error as Error).message });
    }
  };
}

function start(): void {
  const data = JSON.parse(document.getElementById('data')?.textContent ?? '{}') as ExploreData;
  const source = document.getElementById('script')?.textContent ?? '';
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  let answered: (path: ExplorePath | ExploreProblem | undefined) => void = () => {};
  const ask = newestFirst(
    ({ texts, which }: { texts: [string, string]; which: number }) =>
      new Promise<ExplorePath | ExploreProblem | undefined>((resolve) => {
        answered = resolve;
        worker.postMessage({ texts, which } satisfies Request);
      }),
  );
  const view = mount(data, (texts, which) => ask({ texts, which }));
  worker.onmessage = ({ data: answer }: MessageEvent<Answer>) => {
    if ('ready' in answer) view.begin();
    else if ('failed' in answer) {
      view.fail(answer.failed);
      answered(undefined); // another sentence may still be asked for
    } else answered(answer.path);
  };
  worker.onerror = (event) => view.fail(event.message);
  worker.postMessage({ data } satisfies Request);
}
