import { chartSvg, runningMean, thin } from './chart.ts';
import { escapeHtml, html } from './html.ts';
import type { ReportPart } from './part.ts';
import { type Report, renderReport } from './render.ts';

const curve = (from: number, to: number, n: number): [number, number][] =>
  Array.from({ length: n }, (_, i) => [i, to + (from - to) * Math.exp((-4 * i) / n) + 0.05 * Math.sin(i * 12.9898)]);

const parts: ReportPart[] = [
  { kind: 'figures', items: [{ label: 'Entailed', value: '91 %', detail: 'from 0 %' }] },
  {
    kind: 'chart',
    title: 'Pretraining',
    xName: 'step',
    yName: 'loss',
    series: [
      { name: 'training', points: curve(6, 1, 900) },
      { name: 'held out', points: curve(6, 1.1, 9) },
    ],
  },
  {
    kind: 'table',
    title: 'Scores',
    head: ['model', 'loss'],
    rows: [['start', { text: '6.93', detail: '± 0.01', share: 0.2 }]],
  },
  {
    kind: 'samples',
    title: 'Summaries',
    legend: [{ mark: 'entailed', text: 'the article says so' }],
    samples: [
      {
        prompt: 'mayor bought <apple> .',
        versions: [
          { name: 'reference', spans: [{ text: 'mayor purchased fruit .', mark: 'entailed' }] },
          { name: 'before', spans: [{ text: '' }] },
        ],
      },
    ],
  },
  { kind: 'commands', title: 'What to do next', items: [{ text: 'Write with it:', command: 'gimbal generate' }] },
  { kind: 'options', title: 'Options', groups: [{ name: 'pretrain', values: [['steps', '900']] }] },
];
const report: Report = {
  eyebrow: 'gimbal align',
  title: 'A title & more',
  lead: 'What happened.',
  figures: [],
  sections: [{ title: 'All', parts }],
  footer: 'made by gimbal',
};

describe('the report', () => {
  const page = renderReport(report);

  test('stands alone: no script, nothing fetched', () => {
    expect(page).not.toMatch(/<script|<link|src=|@import|url\((?!#)/);
    expect(
      page.replaceAll('http://www.w3.org/2000/svg', '').replaceAll('http://www.w3.org/1999/xlink', ''),
    ).not.toMatch(/https?:/);
  });

  test('escapes what people and models wrote', () => {
    expect(page).toContain('mayor bought &lt;apple&gt; .');
    expect(page).toContain('<title>A title &amp; more</title>');
    expect(html`<b>${'<i>'}</b>`.html).toBe('<b>&lt;i&gt;</b>');
    expect(escapeHtml(`&<>"'`)).toBe('&amp;&lt;&gt;&quot;&#39;');
  });

  test('closes every element it opens', () => {
    const count = (pattern: RegExp): number => page.match(pattern)?.length ?? 0;
    for (const name of ['div', 'section', 'table', 'svg', 'ul', 'li', 'span', 'p', 'g', 'details', 'mark', 'figure']) {
      expect([name, count(new RegExp(`<${name}[\\s>]`, 'g'))]).toEqual([name, count(new RegExp(`</${name}>`, 'g'))]);
    }
  });

  test('shows every part', () => {
    for (const text of [
      '91 %',
      'Pretraining',
      '± 0.01',
      'width:20.0%',
      'purchased fruit',
      '(nothing)',
      'gimbal generate',
      '900',
    ]) {
      expect(page).toContain(text);
    }
  });
});

describe('a chart', () => {
  test('takes its colours from the page and the width it is given', () => {
    const svg = chartSvg(parts[1] as Extract<ReportPart, { kind: 'chart' }>);
    expect(svg).toContain('var(--series-1)');
    expect(svg).toContain('var(--faint)');
    expect(svg).not.toMatch(/#0[123a]0/);
    expect(svg).toMatch(/^<svg viewBox="0 0 \d+ \d+" role="img"/);
    expect(svg).not.toContain('held out');
  });

  test('names its lines on the page, in the drawing where it stands alone', () => {
    const part = parts[1] as Extract<ReportPart, { kind: 'chart' }>;
    expect(chartSvg(part, { legend: true })).toContain('held out');
    expect(renderReport({ ...report, sections: [{ title: '', parts: [part] }] })).toContain(
      '<i style="background:var(--series-2)"></i>held out</span>',
    );
  });

  test('leaves out what is not finite and thins long curves', () => {
    expect(
      thin([
        [0, 1],
        [1, Number.NaN],
        [2, Number.POSITIVE_INFINITY],
        [3, 4],
      ]),
    ).toEqual([
      [0, 1],
      [3, 4],
    ]);
    const thinned = thin(curve(2, 1, 10_000));
    expect(thinned.length).toBeLessThanOrEqual(400);
    expect(thinned.at(-1)?.[0]).toBe(9999);
  });

  test('has a running mean without a pull to zero at the start', () => {
    expect(
      runningMean([
        [0, 5],
        [1, 5],
        [2, 5],
      ]).map(([, y]) => y),
    ).toEqual([5, 5, 5]);
  });

  test('draws an empty curve', () => {
    expect(() =>
      chartSvg({ kind: 'chart', title: 't', xName: 'x', yName: 'y', series: [{ name: 'a', points: [] }] }),
    ).not.toThrow();
  });
});
