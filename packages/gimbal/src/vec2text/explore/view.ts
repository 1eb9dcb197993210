// What the page shows: two fields, a slider, the sentence at its place, and what is known of it.
import type { ExploreData, ExplorePath, ExploreProblem } from './data.ts';

/** Undefined where a newer question came before this one was looked at, or it failed. */
type Ask = (texts: [string, string], which: number) => Promise<ExplorePath | ExploreProblem | undefined>;

/** a pause in typing after which the way is computed, milliseconds */
const pause = 200;

/** The page's parts. */
export interface View {
  /** The models are there: computes the first way. */
  begin(): void;
  /** Says that nothing can be computed. */
  fail(message: string): void;
}

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** Joins the page's elements with what computes. */
export function mount(data: ExploreData, ask: Ask): View {
  const fields = [element<HTMLInputElement>('a'), element<HTMLInputElement>('b')] as const;
  const slider = element<HTMLInputElement>('alpha');
  const models = element<HTMLSelectElement>('model');
  const status = element('status');
  let path: ExplorePath | undefined;
  let turn = 0;
  fields.forEach((field, i) => {
    field.value = data.start[i] as string;
  });
  for (const [i, { name }] of data.models.entries()) models.add(new Option(name, String(i)));
  models.closest('label')?.toggleAttribute('hidden', data.models.length < 2);

  const show = (): void => {
    const point = path?.points[Number(slider.value)];
    if (path === undefined || point === undefined) return;
    element('place').textContent = point.alpha.toFixed(2);
    element('text').textContent = point.text;
    element('text').dataset.valid = String(point.valid);
    element('valid').textContent =
      point.valid === null ? '' : point.valid ? 'a sentence of the language' : 'no sentence of the language';
    element('similarity').textContent =
      `similar to A ${point.similarity[0].toFixed(2)}, to B ${point.similarity[1].toFixed(2)}`;
    element('near').replaceChildren(
      ...point.nearest.map(({ text, similarity }) => item(`${text}  (${similarity.toFixed(2)})`)),
    );
    element('slots').replaceChildren(...slotRows(path, point.slots));
    element('meanings').toggleAttribute('hidden', path.slotNames.length === 0);
    element('curve').replaceChildren(...curve(path, Number(slider.value)));
  };

  const compute = async (): Promise<void> => {
    const mine = ++turn;
    const which = Number(models.value);
    status.textContent = 'computing …';
    element('result').setAttribute('aria-busy', 'true');
    element('round-trips').toggleAttribute('hidden', data.models[which]?.roundTrips !== true);
    const found = await ask([fields[0].value, fields[1].value], which);
    if (mine !== turn || found === undefined) return; // typed again meanwhile
    element('result').setAttribute('aria-busy', 'false');
    fields.forEach((field, i) => {
      const bad = 'field' in found && found.field === i;
      field.setAttribute('aria-invalid', String(bad));
      element(`problem-${i}`).textContent = bad ? (found as ExploreProblem).message : '';
    });
    // what stood there is not of these sentences
    element('result').toggleAttribute('hidden', 'field' in found);
    if ('field' in found) {
      path = undefined;
      status.textContent = '';
      return;
    }
    path = found;
    status.textContent = `computed here in ${found.milliseconds.toFixed(0)} ms`;
    show();
  };

  let timer: ReturnType<typeof setTimeout> | undefined;
  for (const field of fields)
    field.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(compute, pause);
    });
  models.addEventListener('change', compute);
  slider.addEventListener('input', show);
  return {
    begin: compute,
    fail(message) {
      element('result').setAttribute('aria-busy', 'false');
      status.textContent = `the model cannot be run here: ${message}`;
    },
  };
}

function item(text: string): HTMLElement {
  const li = document.createElement('li');
  li.textContent = text;
  return li;
}

/** A row a slot: A, the place between, B; what agrees with A or B is marked. */
function slotRows({ slotNames, typed }: ExplorePath, here: readonly string[] | null): HTMLElement[] {
  return slotNames.map((name, i) => {
    const row = document.createElement('tr');
    const [a, b] = [typed[0]?.[i], typed[1]?.[i]];
    const value = here?.[i];
    const cell = (text: string | undefined, mark: string): HTMLElement => {
      const td = document.createElement('td');
      td.textContent = text === undefined ? '?' : text || '–';
      if (mark) td.dataset.mark = mark;
      return td;
    };
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = name.replace(/([A-Z])/g, ' $1').toLowerCase();
    const mark =
      value === undefined
        ? ''
        : value === a && value === b
          ? 'both'
          : value === a
            ? 'a'
            : value === b
              ? 'b'
              : 'neither';
    row.append(head, cell(a, ''), cell(value, mark), cell(b, ''));
    return row;
  });
}

const [width, height] = [420, 90];

/** Similarity to both ends along the way, from −1 to 1. */
function curve({ points }: ExplorePath, at: number): SVGElement[] {
  const svg = (name: string, attributes: Record<string, string | number>): SVGElement => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
    return node;
  };
  const x = (i: number): number => (i / (points.length - 1)) * width;
  const y = (s: number): number => height - ((s + 1) / 2) * height;
  const line = (end: 0 | 1): SVGElement =>
    svg('polyline', {
      points: points.map((p, i) => `${x(i)},${y(p.similarity[end])}`).join(' '),
      class: `line-${end}`,
    });
  // beside its line, on the side where there is room
  const left = at > points.length / 2;
  const beside = { x: x(at) + (left ? -4 : 4), 'text-anchor': left ? 'end' : 'start' };
  const written = (text: string, attributes: Record<string, string | number>): SVGElement => {
    const node = svg('text', attributes);
    node.textContent = text;
    return node;
  };
  const scale = [-1, 0, 1].flatMap((s) => [
    svg('line', { x1: 0, x2: width, y1: y(s), y2: y(s), class: 'grid' }),
    written(String(s), { x: -6, y: y(s) + 4, 'text-anchor': 'end' }),
  ]);
  const ends = [0, 1].map((alpha) =>
    written(`α = ${alpha}`, { x: alpha * width, y: height + 16, 'text-anchor': alpha === 0 ? 'start' : 'end' }),
  );
  const here = svg('line', { x1: x(at), x2: x(at), y1: 0, y2: height, class: 'here' });
  const label = written('here', { ...beside, y: height - 3 });
  return [...scale, ...ends, here, label, line(0), line(1)];
}
