// The arrow of the architecture as an ESLint rule: which folder may import which, which packages a folder may use.
// A rule of our own because the ready-made ones know neither "types only" nor "only as a dynamic import".
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
  domain: { folders: [], packages: [] },
  lab: { folders: ['hyperv', 'config', 'domain'] },
  workers: { folders: ['workflows', 'activities', 'hyperv', 'lab', 'config', 'domain'] },
  // Evidence runs the product in every way there is: by itself, in processes, against the lab.
  proof: {
    folders: ['client', 'workflows', 'activities', 'workers', 'lab', 'hyperv', 'config', 'domain'],
  },
};

/** Packages that only one place may load. */
const ONLY_IN = [
  { name: 'node-powershell', folders: ['hyperv/powershell'] },
  // Loads 90 MB and webpack.
  { name: '@temporalio/worker', folders: ['workers', 'proof'] },
];

const packageOf = (source) =>
  source
    .split('/')
    .slice(0, source.startsWith('@') ? 2 : 1)
    .join('/');

const isUnder = (file, folder) => file.startsWith(`${folder}/`);

/** Why `file` (relative to the root, with `/`) may not import `source`; null when it may. */
export function whyNot(file, source, kind) {
  const from = file.split('/')[0];
  const layer = LAYERS[from];
  if (!layer || !file.includes('/')) return null;
  if (source.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), source);
    const to = target.split('/')[0];
    if (to === from || layer.folders.includes(to)) return null;
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

const isTypeOnly = (node) =>
  node.importKind === 'type' ||
  node.exportKind === 'type' ||
  (node.specifiers?.length > 0 &&
    node.specifiers.every((s) => s.importKind === 'type' || s.exportKind === 'type'));

const layersRule = {
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

export const layersPlugin = { rules: { layers: layersRule } };
