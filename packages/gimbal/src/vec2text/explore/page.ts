// The script of the page: on the page itself it draws; in the worker that it starts of itself it computes.
import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import type { ExploreData, ExplorePath, ExploreProblem } from './data.ts';
import { Explorer } from './explorer.ts';
import { mount } from './view.ts';

/** What the worker is asked. */
type Request = { data: ExploreData } | { id: number; texts: [string, string]; which: number };
/** What it answers. */
type Answer = { ready: true } | { id: number; path: ExplorePath | ExploreProblem } | { failed: string };

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
      scope.postMessage({ id: asked.id, path: await open.path(asked.texts, asked.which) });
    } catch (error) {
      scope.postMessage({ failed: (error as Error).message });
    }
  };
}

function start(): void {
  const data = JSON.parse(document.getElementById('data')?.textContent ?? '{}') as ExploreData;
  const source = document.getElementById('script')?.textContent ?? '';
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  const waiting = new Map<number, (path: ExplorePath | ExploreProblem) => void>();
  const view = mount(data, (texts, which) => {
    const id = ++asked;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      worker.postMessage({ id, texts, which } satisfies Request);
    });
  });
  let asked = 0;
  worker.onmessage = ({ data: answer }: MessageEvent<Answer>) => {
    if ('ready' in answer) view.begin();
    else if ('failed' in answer) view.fail(answer.failed);
    else {
      waiting.get(answer.id)?.(answer.path);
      waiting.delete(answer.id);
    }
  };
  worker.onerror = (event) => view.fail(event.message);
  worker.postMessage({ data } satisfies Request);
}
