// The arrow of the architecture as ESLint rules: which folder may import which, down to the rooms inside a folder,
// which packages a folder may use, and that no file reaches itself. Rules of our own because the ready-made ones know
// neither "types only" nor "only as a dynamic import".
import fs from 'node:fs';
import path from 'node:path';

/** What a folder may import besides itself. Absent folders (tests, scripts) may import everything. */
export const LAYERS = {
  client: { folders: ['workflows', 'activities', 'hyperv', 'config', 'domain'] },
  workflows: {
    folders: ['domain'],
    typesOf: ['activities'],
    // Workflow code runs in a sandbox without Node; everything it imports ends up in the bundle.
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  activities: { folders: ['hyperv', 'config', 'domain'] },
  hyperv: { folders: ['config', 'domain'] },
  config: { folders: ['domain'] },
  // Pure like the folder itself: two functions about words.
  domain: { folders: [], packages: ['fastest-levenshtein'] },
  lab: { folders: ['hyperv', 'config', 'domain'] },
  workers: { folders: ['workflows', 'activities', 'hyperv', 'lab', 'config', 'domain'] },
  // Evidence runs the product in every way there is: by itself, in processes, against the lab.
  proof: {
    folders: ['client', 'workflows', 'activities', 'workers', 'lab', 'hyperv', 'config', 'domain'],
  },
};

/**
 * The rooms inside a folder, and which of its other rooms each may import; `.` is the files that lie in the folder
 * itself, which may import every room. Types count as well.
 */
export const ROOMS = {
  client: {
    commands: [
      '.',
      'cluster',
      'completion',
      'demo',
      'render',
      'report',
      'runs',
      'schedules',
      'service',
      'temporal',
      'temporal-server',
      'tls',
    ],
    demo: ['.', 'cluster', 'temporal', 'temporal-server'],
    cluster: ['.', 'render', 'runs', 'temporal'],
    completion: ['.'],
    render: ['.', 'runs', 'schedules'],
    report: ['.', 'render', 'runs', 'temporal'],
    runs: ['.', 'temporal'],
    schedules: ['.', 'runs', 'temporal'],
    service: ['.'],
    temporal: ['.'],
    'temporal-server': ['.'],
    tls: ['.'],
  },
  // Channels know messages and settings; that there are runs and activities, they do not.
  activities: { notify: [] },
  hyperv: { powershell: ['.'], service: ['.', 'powershell'] },
  config: { temporal: ['.'] },
  workflows: { fleet: ['.'] },
  domain: {
    doctor: ['.', 'doctor/checks'],
    'doctor/checks': ['.', 'doctor'],
    'failure-rows': ['.'],
    fleet: ['.', 'planner'],
    planner: ['.'],
    report: ['.'],
  },
  // The doors stand on the machine, and the machine knows none of them.
  lab: { scenario: [], machine: ['scenario'], powershell: ['machine', 'scenario'] },
  proof: {
    rig: [],
    bench: ['rig', 'evacuation'],
    evacuation: [],
    load: ['rig'],
    production: ['rig'],
    soak: ['rig', 'production'],
    'sim/temporal': ['rig'],
    'sim/rules': ['rig', 'sim', 'sim/temporal'],
    sim: ['rig', 'sim/real', 'sim/rules', 'sim/temporal'],
    'sim/real': ['rig', 'sim', 'sim/rules', 'sim/temporal'],
  },
};

/**
 * The simulated server plays Temporal for anybody's workflows: of ours it knows what a run says of itself, and a clock.
 */
const ONLY_FILES = {
  'proof/sim/temporal': ['domain/status.ts', 'lab/machine/agenda.ts', 'lab/machine/clock.ts'],
};

/** Packages that only one place may load. */
const ONLY_IN = [
  { name: 'node-powershell', folders: ['hyperv/powershell'] },
  { name: 'nodemailer', folders: ['activities/notify'] },
  // Loads 90 MB and webpack.
  { name: '@temporalio/worker', folders: ['workers', 'proof'] },
];

const packageOf = (source) =>
  source
    .split('/')
    .slice(0, source.startsWith('@') ? 2 : 1)
    .join('/');

const isUnder = (file, folder) => file.startsWith(`${folder}/`);

/** `.` for a file of the folder itself; undefined for one in a room that is not listed. */
export function roomOf(file) {
  const [root] = file.split('/');
  const inside = path.posix.dirname(file).slice(root.length + 1);
  if (inside === '') return '.';
  return Object.keys(ROOMS[root] ?? {})
    .filter((room) => inside === room || isUnder(inside, room))
    .sort((a, b) => b.length - a.length)[0];
}

function whyNotInside(file, target) {
  const root = file.split('/')[0];
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === '.' || from === to || !(root in ROOMS)) return null;
  if (from !== undefined && ROOMS[root][from].includes(to)) return null;
  const allowed = from === undefined ? [] : ROOMS[root][from];
  return `${root}/${from ?? '?'} may import ${allowed.join(', ') || 'no other room'} of ${root}/, not ${to ?? target}`;
}

/** Why `file` (relative to the root, with `/`) may not import `source`; null when it may. */
export function whyNot(file, source, kind) {
  const from = file.split('/')[0];
  const layer = LAYERS[from];
  if (!layer || !file.includes('/')) return null;
  if (source.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), source);
    const to = target.split('/')[0];
    if (to === from) return whyNotInside(file, target);
    const only = Object.entries(ONLY_FILES).find(([folder]) => isUnder(file, folder));
    if (only && !only[1].includes(target))
      return `${only[0]}/ may import ${only[1].join(', ')} only`;
    if (layer.folders.includes(to)) return null;
    if (kind === 'type' && layer.typesOf?.includes(to)) return null;
    if (kind === 'dynamic' && to === 'workers' && isUnder(file, 'client/commands')) return null;
    return `${from}/ may not import ${to}/: the arrow goes client -> workflows -> activities -> hyperv -> config -> domain`;
  }
  const name = packageOf(source);
  if (layer.packages && !layer.packages.includes(name)) {
    return `${from}/ may import ${layer.packages.join(', ') || 'no package at all'}, not ${name}`;
  }
  const only = ONLY_IN.find((entry) => entry.name === name);
  if (only && kind !== 'type' && !only.folders.some((folder) => isUnder(file, folder))) {
    return `${name} is loaded in ${only.folders.map((folder) => `${folder}/`).join(' and ')} only`;
  }
  return null;
}

const IMPORT = /(?:\bfrom|\bimport\()\s*'(\.[^'\n]+)'/g;

/** Relative imports of every file below `folders`, types and dynamic ones included. */
export function readImports(root, folders) {
  const files = folders.flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.m?ts$/.test(name))
      .map((name) => `${folder}/${name.split(path.sep).join('/')}`),
  );
  return new Map(
    files.map((file) => {
      const text = fs.readFileSync(path.join(root, file), 'utf8');
      const target = ([, source]) => path.posix.join(path.posix.dirname(file), source);
      return [file, [...text.matchAll(IMPORT)].map(target)];
    }),
  );
}

/** The shortest way from `file` back to itself through `first`; null when there is none. */
export function circleThrough(imports, file, first) {
  const before = new Map([[first, null]]);
  const queue = [first];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    if (at === file) {
      const way = [];
      for (let step = at; step !== null; step = before.get(step)) way.unshift(step);
      return [file, ...way];
    }
    for (const next of imports.get(at) ?? []) {
      if (before.has(next)) continue;
      before.set(next, at);
      queue.push(next);
    }
  }
  return null;
}

let known;

export const circles = {
  meta: { type: 'problem', schema: [], messages: { circle: 'a circle: {{way}}' } },
  create(context) {
    known ??= readImports(context.cwd, Object.keys(LAYERS));
    const file = path.relative(context.cwd, context.filename).split(path.sep).join('/');
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const way = circleThrough(known, file, path.posix.join(path.posix.dirname(file), source));
      if (way)
        context.report({ node: node.source, messageId: 'circle', data: { way: way.join(' -> ') } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

const isTypeOnly = (node) =>
  node.importKind === 'type' ||
  node.exportKind === 'type' ||
  (node.specifiers?.length > 0 &&
    node.specifiers.every((s) => s.importKind === 'type' || s.exportKind === 'type'));

export const layers = {
  meta: { type: 'problem', schema: [], messages: { layer: '{{why}}' } },
  create(context) {
    const file = path.relative(context.cwd, context.filename).split(path.sep).join('/');
    const check = (node, kind) => {
      if (typeof node.source?.value !== 'string') return;
      const why = whyNot(file, node.source.value, kind);
      if (why) context.report({ node: node.source, messageId: 'layer', data: { why } });
    };
    const checkStatic = (node) => check(node, isTypeOnly(node) ? 'type' : 'value');
    return {
      ImportDeclaration: checkStatic,
      ExportNamedDeclaration: checkStatic,
      ExportAllDeclaration: checkStatic,
      ImportExpression: (node) => check(node, 'dynamic'),
    };
  },
};
