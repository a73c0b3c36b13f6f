// How the HTML of a report looks: light and dark by the reader's setting, black on white on paper, readable without any
// colour. Nothing is fetched: fonts are the system's, and there is no script.

const LIGHT = `--bg:#fff;--fg:#1c2128;--dim:#5b6470;--line:#d5dae0;--soft:#f4f6f8;--good:#1a7f37;--bad:#b42318;--warn:#8a5a00;
--act:#3867c8;--move:#0b7a75;--check:#6f8fd6;--look:#a9b2bd;--wait:#c9b27a;--back:#8250b8;--person:#e3a008;--pause:#cfd6dd;--run:#7d8792`;
const DARK = `--bg:#14181d;--fg:#e6e9ed;--dim:#9ba5b0;--line:#343c46;--soft:#1c2229;--good:#57c274;--bad:#ff8a7e;--warn:#e0b04a;
--act:#7ba2f5;--move:#3fc1b6;--check:#5f7fc4;--look:#5c6672;--wait:#8f7d4d;--back:#b892e6;--person:#e0a526;--pause:#46505b;--run:#87919c`;

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,"Segoe UI","Yu Gothic UI","Noto Sans","Noto Sans CJK JP",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 24px 56px}
h1{font-size:1.65rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
p{margin:.3rem 0}
.kind{color:var(--dim);margin:0 0 .2rem}
.badge{display:inline-block;padding:.1rem .65rem;border:1.5px solid currentColor;border-radius:1rem;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.quiet,.note,.more{color:var(--dim)}
.note{margin-bottom:.6rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem;margin:1.2rem 0 0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere;unicode-bidi:isolate}
.more{font-size:.88rem;overflow-wrap:anywhere;unicode-bidi:isolate}
dd.bad .more,td .bad .more{color:var(--fg)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.42rem .75rem .42rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere;unicode-bidi:isolate}
td .short{white-space:nowrap}
th{color:var(--dim);font-weight:600;white-space:nowrap}
td.time{white-space:nowrap;overflow-wrap:normal;font-variant-numeric:tabular-nums}
code{display:block;margin-top:.25rem;padding:.2rem .5rem;background:var(--soft);border-radius:3px;font:12.5px/1.5 ui-monospace,Consolas,"Cascadia Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.gaps{border-left:4px solid var(--warn);padding:.5rem 1rem;background:var(--soft);margin-top:1.4rem}
.gaps ul{margin:.3rem 0;padding-left:1.2rem;overflow-wrap:anywhere}
footer{margin-top:2.5rem;color:var(--dim);font-size:.88rem}
.timeline{display:block;width:100%;min-width:720px;height:auto;font:12px system-ui,"Segoe UI","Yu Gothic UI","Noto Sans","Noto Sans CJK JP",sans-serif}
.timeline text{fill:var(--fg)}
.timeline .head .label{font-weight:600}
.timeline .tick{fill:var(--dim);font-size:10.5px;text-anchor:middle}
.timeline .grid{stroke:var(--line);fill:none}
.timeline .cut{fill:var(--soft);stroke:var(--line);stroke-dasharray:3 3}
.timeline .bar,.key{fill:var(--act);background:var(--act)}
.timeline .bar.failed{stroke:var(--bad);stroke-width:1.5}
.timeline .bar.cancelled{opacity:.6}
.timeline .queued{fill:var(--dim)}
.timeline .open-end{fill:var(--warn)}
.timeline .mark{fill:none;stroke:var(--fg);stroke-width:1.6}
.timeline .mark.failure{stroke:var(--bad);stroke-width:2.2}
.timeline .mark.decision{fill:var(--bg);stroke:var(--fg)}
${['act', 'move', 'check', 'look', 'wait', 'back', 'person', 'pause', 'run']
  .map(
    (kind) => `.timeline .bar.${kind},.key.${kind}{fill:var(--${kind});background:var(--${kind})}`,
  )
  .join('\n')}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;color:var(--dim);font-size:.85rem;margin:.5rem 0 0;padding:0;list-style:none}
.key{display:inline-block;width:1.2rem;height:.65rem;margin-right:.35rem;border-radius:2px}
.sign{display:inline-block;min-width:1rem;margin-right:.3rem;font-weight:700;text-align:center;color:var(--fg)}
@media (max-width:640px){main{padding:18px 14px 40px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
@media print{
:root{color-scheme:light;${LIGHT}}
@page{margin:14mm}
body{font-size:10pt}main{max-width:none;padding:0}.scroll{overflow:visible}.timeline{min-width:0}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
thead{display:table-header-group}tr,.timeline,dl{break-inside:avoid}h2{break-after:avoid}
code{border:1px solid var(--line)}
}`;
