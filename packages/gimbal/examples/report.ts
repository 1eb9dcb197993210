// The report that `gimbal align` ends with, made from numbers of your own: one file, no script in it.
import { writeFileSync } from 'node:fs';
import { renderReport } from 'gimbal';

const curve = (decay: number): [number, number][] =>
  Array.from({ length: 60 }, (_, i) => [10 * i, 1.2 + 3 * Math.exp(-decay * i)]);

const page = renderReport({
  eyebrow: 'example',
  title: 'Two learning rates',
  lead: 'The larger one is there first.',
  figures: [{ kind: 'figures', items: [{ label: 'loss', value: '1.20', detail: 'after 590 steps' }] }],
  sections: [
    {
      title: 'Training',
      parts: [
        {
          kind: 'chart',
          title: 'Loss',
          xName: 'step',
          yName: 'loss',
          series: [
            { name: '3e-3', points: curve(0.15) },
            { name: '1e-3', points: curve(0.05), dashed: true },
          ],
        },
      ],
    },
  ],
  footer: 'made by examples/report.ts',
});
writeFileSync('report.html', page);
console.log(`report.html: ${(page.length / 1024).toFixed(0)} KB`);
