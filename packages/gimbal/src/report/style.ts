// The report's one style sheet: light and dark, from a phone to a wide screen, and on paper.
export const styleSheet = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2327; --faint: #667077; --rule: #e3e1da; --accent: #0b6e6e;
  --series-1: #0b7a75; --series-2: #d1622b; --series-3: #5b5bd6; --series-4: #b8860b; --series-5: #a23b72; --series-6: #5f7a1f;
  --good: #0d7a4f; --good-soft: #d9f0e3; --bad: #b3261e; --bad-soft: #fbe0dc; --odd: #8a6100; --odd-soft: #f8ebc8;
  --shadow: 0 1px 2px rgb(0 0 0 / .04), 0 6px 24px rgb(0 0 0 / .05);
}
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181b; --card: #1c2226; --ink: #e6e4df; --faint: #97a1a7; --rule: #333b40; --accent: #58c4bd;
  --series-1: #4fc3bb; --series-2: #f08c5a; --series-3: #a3a1ff; --series-4: #e0b84c; --series-5: #e184b4; --series-6: #a9c25d;
  --good: #6fd6a4; --good-soft: #173c2c; --bad: #ff9b90; --bad-soft: #4a211d; --odd: #ebc667; --odd-soft: #413514;
  --shadow: none;
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 ui-sans-serif, system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 1120px; margin: 0 auto; padding: 48px 24px 80px; }
h1 { font-size: clamp(28px, 5vw, 42px); line-height: 1.12; letter-spacing: -.02em; margin: 0 0 10px; text-wrap: balance; }
h2 { font-size: 22px; letter-spacing: -.01em; margin: 56px 0 4px; }
h3 { font-size: 16px; margin: 0 0 2px; }
p { margin: 0; } .lead { color: var(--faint); font-size: 18px; max-width: 68ch; }
.eyebrow { color: var(--accent); font-weight: 650; font-size: 13px; letter-spacing: .08em; text-transform: uppercase; margin-bottom: 8px; }
.caption { color: var(--faint); font-size: 14px; max-width: 78ch; margin-bottom: 12px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 14px; padding: 20px; box-shadow: var(--shadow); min-width: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 28px 0 0; }
.figures .card { padding: 16px 18px; } .figures b { display: block; font-size: 28px; line-height: 1.2; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.figures span { color: var(--faint); font-size: 13px; display: block; } .figures .label { color: var(--ink); font-size: 14px; font-weight: 550; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 16px; margin-top: 16px; }
.stack { margin-top: 16px; }
figure { margin: 0; } .grid > figure:only-child { max-width: 620px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.lines { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12.5px; margin: 8px 0 6px; } .lines i { display: inline-block; width: 16px; height: 7px; border-radius: 3px; margin-right: 6px; vertical-align: 1px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 15px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--faint); font-size: 13px; padding: 8px 12px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
td { padding: 10px 12px; border-bottom: 1px solid var(--rule); vertical-align: top; } tr:last-child td { border-bottom: 0; }
td small { display: block; color: var(--faint); font-size: 12.5px; white-space: nowrap; } td.best { font-weight: 700; color: var(--good); } td.best small { font-weight: 400; }
.bar { height: 5px; border-radius: 3px; background: var(--rule); margin-top: 6px; min-width: 64px; } .bar i { display: block; height: 100%; border-radius: 3px; background: var(--series-1); }
.sample { margin-top: 12px; } .sample .prompt { font-size: 15px; padding-bottom: 14px; border-bottom: 1px solid var(--rule); margin-bottom: 14px; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 14em; overflow-y: auto; }
.versions { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 210px), 1fr)); gap: 14px 22px; }
.versions div > span { display: block; color: var(--faint); font-size: 12.5px; font-weight: 600; margin-bottom: 3px; }
.versions p { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 15px; max-height: 16em; overflow-y: auto; }
mark { color: inherit; background: none; border-radius: 4px; padding: 1px 3px; margin: 0 -1px; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
mark.entailed, mark.right { background: var(--good-soft); color: var(--good); }
mark.contradicted, mark.wrong { background: var(--bad-soft); color: var(--bad); }
mark.neutral { background: var(--odd-soft); color: var(--odd); }
mark.malformed { text-decoration: underline wavy var(--bad) 1.5px; text-underline-offset: 3px; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; font-size: 13.5px; color: var(--faint); margin: 8px 0 0; }
.next { border-color: color-mix(in srgb, var(--accent) 45%, var(--rule)); } .next li { margin: 12px 0; } .next pre { white-space: pre-wrap; overflow-wrap: anywhere; } .next ul { margin: 4px 0 0; padding: 0; list-style: none; }
code, pre { font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { margin: 4px 0 0; background: var(--paper); border: 1px solid var(--rule); border-radius: 8px; padding: 8px 12px; overflow-x: auto; }
details { margin-top: 12px; } summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: minmax(130px, max-content) 1fr; gap: 4px 20px; font-size: 14px; margin: 10px 0 4px; } dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--faint); font-size: 13.5px; margin-top: 56px; border-top: 1px solid var(--rule); padding-top: 16px; }
@media (max-width: 560px) { main { padding: 28px 14px 56px; } .card { padding: 14px; border-radius: 12px; } h2 { margin-top: 40px; } td, th { padding: 8px; } .figures { grid-template-columns: 1fr 1fr; gap: 8px; } .figures b { font-size: 22px; } dl { grid-template-columns: 1fr; } dt { margin-top: 6px; } }
@media print { body { background: #fff; } .card { break-inside: avoid; box-shadow: none; } details > * { display: block; } }
`;
