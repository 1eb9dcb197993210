// From parts to one self-contained page: no script, no request, nothing to install.
import { chartSvg, seriesColor } from './chart.ts';
import { type Html, html, nothing, raw } from './html.ts';
import type {
  ChartPart,
  CommandsPart,
  FiguresPart,
  OptionsPart,
  ReportPart,
  ReportSection,
  SamplesPart,
  ScoreCell,
  TablePart,
  TextSpan,
} from './part.ts';
import { styleSheet } from './style.ts';

/** A whole page. */
export interface Report {
  /** small, above the title: the command */
  eyebrow: string;
  /** the heading */
  title: string;
  /** a paragraph below it */
  lead: string;
  /** under the title, without a heading */
  figures: readonly ReportPart[];
  /** in order */
  sections: readonly Section[];
  /** below everything: when, where and with what it was made */
  footer: string;
}

type Section = Pick<ReportSection, 'title' | 'text' | 'parts'>;

/** The page as text. */
export function renderReport(report: Report): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${report.title}</title>
<style>${raw(styleSheet)}</style>
</head>
<body>
<main>
<header>
<p class="eyebrow">${report.eyebrow}</p>
<h1>${report.title}</h1>
<p class="lead">${report.lead}</p>
</header>
${section({ title: '', parts: report.figures })}
${report.sections.map(section)}
<footer>${report.footer}</footer>
</main>
</body>
</html>
`;
  return page.html;
}

function section({ title, text, parts }: Section): Html {
  if (parts.length === 0) return nothing;
  const heading = title === '' ? nothing : html`<h2>${title}</h2>`;
  const words = text === undefined ? nothing : html`<p class="caption">${text}</p>`;
  // charts stand side by side, everything else below each other
  const blocks: Html[] = [];
  let charts: Html[] = [];
  const flush = (): void => {
    if (charts.length > 0) blocks.push(html`<div class="grid">${charts}</div>`);
    charts = [];
  };
  for (const part of parts) {
    if (part.kind === 'chart') charts.push(chart(part));
    else {
      flush();
      blocks.push(block(part));
    }
  }
  flush();
  return html`<section>
${heading}${words}
${blocks}
</section>
`;
}

function block(part: Exclude<ReportPart, ChartPart>): Html {
  switch (part.kind) {
    case 'figures':
      return figures(part);
    case 'table':
      return table(part);
    case 'samples':
      return samples(part);
    case 'commands':
      return commands(part);
    case 'options':
      return options(part);
  }
}

const caption = (text: string | undefined): Html =>
  text === undefined ? nothing : html`<p class="caption">${text}</p>`;

const chart = (part: ChartPart): Html =>
  html`<figure class="card"><h3>${part.title}</h3>${caption(part.caption)}
<p class="lines">${part.series.map(({ name }, i) => html`<span><i style="background:${seriesColor(i)}"></i>${name}</span>`)}</p>
${raw(chartSvg(part))}</figure>`;

const figures = ({ items }: FiguresPart): Html =>
  html`<div class="figures">${items.map(
    (item) =>
      html`<div class="card"><span class="label">${item.label}</span><b>${item.value}</b>${
        item.detail === undefined ? nothing : html`<span>${item.detail}</span>`
      }</div>`,
  )}</div>`;

const table = (part: TablePart): Html => html`<div class="card stack"><h3>${part.title}</h3>${caption(part.caption)}
<div class="scroll"><table><thead><tr>${part.head.map((cell) => html`<th>${cell}</th>`)}</tr></thead>
<tbody>${part.rows.map((row) => html`<tr>${row.map(tableCell)}</tr>`)}</tbody></table></div></div>`;

function tableCell(cell: string | ScoreCell): Html {
  if (typeof cell === 'string') return html`<td>${cell}</td>`;
  const detail = cell.detail === undefined ? nothing : html`<small>${cell.detail}</small>`;
  const share = Math.max(0, Math.min(1, cell.share ?? 0));
  const bar =
    cell.share === undefined
      ? nothing
      : html`<div class="bar"><i style="width:${(100 * share).toFixed(1)}%"></i></div>`;
  return html`<td${cell.emphasis ? raw(' class="best"') : nothing}>${cell.text}${detail}${bar}</td>`;
}

const samples = (part: SamplesPart): Html => html`<div class="stack"><h3>${part.title}</h3>${caption(part.caption)}
${
  part.legend === undefined
    ? nothing
    : html`<p class="legend">${part.legend.map((l) => html`<span><mark class="${l.mark}">${l.text}</mark></span>`)}</p>`
}
${part.samples.map(
  (
    sample,
  ) => html`<div class="card sample"><div class="prompt">${sample.prompt}</div><div class="versions">${sample.versions.map(
    (version) => html`<div><span>${version.name}</span><p>${spans(version.spans)}</p></div>`,
  )}</div></div>
`,
)}</div>`;

const spans = (list: readonly TextSpan[]): Html =>
  list.every((s) => s.text === '')
    ? html`<span>(nothing)</span>`
    : html`${list.map((s) => (s.mark === undefined ? html`${s.text}` : html`<mark class="${s.mark}">${s.text}</mark>`))}`;

const commands = (part: CommandsPart): Html =>
  html`<div class="card next stack"><h3>${part.title}</h3><ul>${part.items.map(
    (item) => html`<li>${item.text}<pre>${item.command}</pre></li>`,
  )}</ul></div>`;

const options = (part: OptionsPart): Html =>
  html`<div class="card stack"><h3>${part.title}</h3>${part.groups.map(
    (group) =>
      html`<details><summary>${group.name}</summary><dl>${group.values.map(
        ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`,
      )}</dl></details>`,
  )}</div>`;
