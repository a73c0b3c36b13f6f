// cluster.yaml: what a good file means, and what a person is told about a bad one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadClusterFile, parseClusterFile } from '../../config/cluster-file.ts';
import { ConfigError, formatProblem } from '../../config/config-error.ts';
import { DEFAULT_BUDGETS } from '../../domain/spec.ts';
import { GB } from '../support/snapshot-builder.ts';

const GOOD = `cluster: hv-lab
nodes: [HV1, HV2]
liveMigration: { simultaneousMigrations: 2, simultaneousStorageMigrations: 3, performance: SMB }
virtualMachines:
  - name: web-1
    memory: 10GB
    vhd: 'C:\\ClusterStorage\\Volume1\\web-1.vhdx'
    switch: LAN
prove: [web-1]
`;

const errorOf = (text: string): ConfigError => {
  try {
    parseClusterFile(text, 'cluster.yaml');
  } catch (err) {
    if (err instanceof ConfigError) return err;
    throw err;
  }
  throw new Error('the file was accepted');
};
const lines = (text: string): string[] => errorOf(text).message.split('\n');

describe('a good cluster.yaml', () => {
  it('becomes a specification with Windows paths, bytes and seconds', () => {
    expect(parseClusterFile(GOOD, 'cluster.yaml')).toEqual({
      cluster: 'hv-lab',
      nodes: ['HV1', 'HV2'],
      liveMigration: {
        simultaneousMigrations: 2,
        simultaneousStorageMigrations: 3,
        performance: 'SMB',
      },
      virtualMachines: [
        {
          name: 'web-1',
          memoryBytes: 10 * GB,
          vhd: 'C:\\ClusterStorage\\Volume1\\web-1.vhdx',
          switch: 'LAN',
          generation: 2,
          node: null,
        },
      ],
      prove: ['web-1'],
      memoryReserveBytes: 2 * GB,
      budgets: DEFAULT_BUDGETS,
    });
  });

  it('needs only a cluster and its nodes, and then keeps the defaults of Windows', () => {
    const spec = parseClusterFile('cluster: c1\nnodes: [A1, A2]\n', 'cluster.yaml');
    expect(spec.liveMigration).toEqual({
      simultaneousMigrations: 1,
      simultaneousStorageMigrations: 2,
      performance: 'Compression',
    });
    expect(spec.virtualMachines).toEqual([]);
    expect(spec.prove).toEqual([]);
  });

  it('may give some of the budgets and keeps the other defaults', () => {
    const spec = parseClusterFile(`${GOOD}budgets: { restart: 1h30m, heartbeat: 5s }\n`, 'x');
    expect(spec.budgets).toEqual({ ...DEFAULT_BUDGETS, restartSeconds: 5400, heartbeatSeconds: 5 });
  });

  it('is plain data that survives JSON, as it is the argument of a workflow', () => {
    const spec = parseClusterFile(GOOD, 'cluster.yaml');
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });

  it.each([
    ['forward slashes', "'C:/ClusterStorage/Volume1/web-1.vhdx'"],
    ['another drive letter case', "'c:\\clusterstorage\\Volume1\\web-1.vhdx'"],
    ['an SMB share', "'\\\\nas\\vms\\web-1.vhdx'"],
    ['an SMB share of a host with a domain', "'\\\\sofs.lab.internal\\VHDX\\web-1.vhdx'"],
    ['an SMB share by an IPv4 address', "'\\\\192.168.101.31\\VHDX\\web-1.vhdx'"],
    ['the literal form of a share', "'\\\\?\\UNC\\SOFS\\VHDX\\web-1.vhdx'"],
    ['Japanese letters', "'C:\\ClusterStorage\\ボリューム1\\ウェブ.vhdx'"],
  ])('may write the disk with %s', (_name, vhd) => {
    const text = GOOD.replace("'C:\\ClusterStorage\\Volume1\\web-1.vhdx'", vhd);
    expect(parseClusterFile(text, 'x').virtualMachines[0]!.vhd).not.toContain('/');
  });

  it.each(['HYPERV-CLUSTER-TOKYO', 'hv.lab.internal', 'クラスター1', 'hv_1'])(
    'may be about the cluster %s, as (Get-Cluster).Name tells it',
    (cluster) => {
      expect(parseClusterFile(GOOD.replace('hv-lab', cluster), 'x').cluster).toBe(cluster);
    },
  );

  it.each(['SRV01 / Exchange', 'web: front', 'dc-2 ', 'CON', 'a\\b?'])(
    'may prove a VM that is called %j already',
    (name) => {
      const text = GOOD.replace('prove: [web-1]', `prove: [${JSON.stringify(name)}]`);
      expect(parseClusterFile(text, 'x').prove).toEqual([name]);
    },
  );

  it('may have a Japanese VM name and no switch', () => {
    const text = GOOD.replaceAll('web-1', 'ウェブ サーバー').replace('    switch: LAN\n', '');
    const spec = parseClusterFile(text, 'x');
    expect(spec.virtualMachines[0]).toMatchObject({ name: 'ウェブ サーバー', switch: null });
  });
});

const withVm = (from: string, to: string): string => GOOD.replace(from, to);
const VHD_LINE = "'C:\\ClusterStorage\\Volume1\\web-1.vhdx'";

describe('a bad cluster.yaml', () => {
  it.each<[string, string, string]>([
    ['is empty', '', 'cluster.yaml: is empty'],
    ['has only a comment', '# later\n', 'cluster.yaml: is empty'],
    [
      'is a list',
      '- a\n',
      'cluster.yaml:1:1: must be a mapping of keys to values at the top, like "cluster: hv-lab"',
    ],
    [
      'is just text',
      'bananas',
      'cluster.yaml:1:1: must be a mapping of keys to values at the top, like "cluster: hv-lab"',
    ],
    [
      'is not YAML',
      'cluster: [\n',
      'cluster.yaml:2:1: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'has a tab as indentation',
      'cluster:\n\tname: x\n',
      'cluster.yaml:2:1: a tab is used for indentation; YAML takes only spaces there',
    ],
    [
      'has a key twice',
      `${GOOD}prove: []\n`,
      'cluster.yaml:10:1: this key is there twice; keep one of them',
    ],
    [
      'has two documents',
      `${GOOD}---\na: 1\n`,
      'cluster.yaml:10:1: a second document begins here; remove the line ---',
    ],
    [
      'refers to nothing',
      withVm('memory: 10GB', 'memory: *big'),
      'cluster.yaml:6:13: *big refers to nothing; write &big before it',
    ],
    [
      'has a Windows path in double quotes',
      withVm(VHD_LINE, '"C:\\web-1.vhdx"'),
      "cluster.yaml:7:13: is not valid YAML: Invalid escape sequence \\w; write Windows paths in single quotes: 'C:\\…'",
    ],
    [
      'has an impossible size',
      withVm('10GB', '10 bananas'),
      'cluster.yaml:6:13 virtualMachines[0].memory: "10 bananas" is not a size; write for example 10GB',
    ],
    [
      'has a size without unit',
      withVm('10GB', '10'),
      'cluster.yaml:6:13 virtualMachines[0].memory: 10 has no unit; write for example 10GB',
    ],
    [
      'has a size that is too small',
      withVm('10GB', '1MB'),
      'cluster.yaml:6:13 virtualMachines[0].memory: must be between 32MB and 240TB, but is 1 MB',
    ],
    [
      'has an odd size',
      withVm('10GB', '1025MB'),
      'cluster.yaml:6:13 virtualMachines[0].memory: must be a multiple of 2 MB; the next one is 1026MB (1075838976 bytes)',
    ],
    [
      'has a mistyped key, which is told once',
      withVm('memory:', 'memroy:'),
      'cluster.yaml:6:5 virtualMachines[0].memroy: this key is not known; did you mean memory?',
    ],
    [
      'has a key of another world',
      `${GOOD}colour: red\n`,
      'cluster.yaml:10:1 colour: this key is not known; known here: cluster, nodes, liveMigration, virtualMachines, prove, memoryReserve, budgets',
    ],
    ['lacks the nodes', 'cluster: c1\n', 'cluster.yaml:1:1 nodes: is missing'],
    [
      'lacks the disk of a VM',
      withVm(`    vhd: ${VHD_LINE}\n`, ''),
      'cluster.yaml:5:5 virtualMachines[0].vhd: is missing',
    ],
    [
      'has text for a list',
      withVm('nodes: [HV1, HV2]', 'nodes: HV1'),
      'cluster.yaml:2:8 nodes: must be a list, but is the text "HV1"',
    ],
    [
      'has a number for a name',
      withVm('hv-lab', '2025'),
      'cluster.yaml:1:10 cluster: must be text, but is the number 2025; put it in quotes',
    ],
    [
      'has nothing after a key',
      withVm('hv-lab', ''),
      'cluster.yaml:1:10 cluster: must be text, but is empty',
    ],
    [
      'has one node',
      withVm('[HV1, HV2]', '[HV1]'),
      'cluster.yaml:2:8 nodes: only one node is named; a live migration needs at least two',
    ],
    [
      'has no node',
      withVm('[HV1, HV2]', '[]'),
      'cluster.yaml:2:8 nodes: no node is named; a live migration needs at least two',
    ],
    [
      'has a node twice',
      withVm('[HV1, HV2]', '[HV1, HV2, hv1]'),
      'cluster.yaml:2:19 nodes[2]: the node "hv1" is there twice; Windows does not tell case apart',
    ],
    [
      'gives a node the name of the cluster',
      withVm('[HV1, HV2]', '[HV1, HV-LAB]'),
      'cluster.yaml:2:14 nodes[1]: a node cannot have the name of the cluster',
    ],
    [
      'has a name of 300 characters',
      withVm('HV2', 'x'.repeat(300)),
      `cluster.yaml:2:14 nodes[1]: "${'x'.repeat(20)}…${'x'.repeat(20)}" (300 characters) is too long; Windows takes at most 15 characters`,
    ],
    [
      'has a VM name of 300 characters',
      withVm('name: web-1', `name: ${'x'.repeat(300)}`),
      `cluster.yaml:5:11 virtualMachines[0].name: "${'x'.repeat(20)}…${'x'.repeat(20)}" (300 characters) is too long; use at most 100 characters`,
    ],
    [
      'has a control character in a name, which does not reach the screen',
      withVm('name: web-1', 'name: "we\\e[31mb"'),
      'cluster.yaml:5:11 virtualMachines[0].name: "we\\u001b[31mb" contains control characters or invisible ones',
    ],
    [
      'has a direction mark in a node name, which does not reach the screen',
      withVm('HV2', '"HV\\u202E2"'),
      'cluster.yaml:2:14 nodes[1]: "HV\\u202e2" contains control characters or invisible ones',
    ],
    [
      'has a node as DNS writes it',
      withVm('HV2', 'hv2.lab.internal'),
      'cluster.yaml:2:14 nodes[1]: "hv2.lab.internal" is not a computer name; write hv2, the name before the first dot',
    ],
    [
      'has an address for a node',
      withVm('HV2', '10.0.0.12'),
      'cluster.yaml:2:14 nodes[1]: "10.0.0.12" is not a computer name; an address is no name: write what Get-ClusterNode tells',
    ],
    [
      'has a node in full-width letters',
      withVm('HV2', 'ＨＶ２'),
      'cluster.yaml:2:14 nodes[1]: "ＨＶ２" is not a computer name; write HV2',
    ],
    [
      'has a size with the unit of another system',
      withVm('10GB', '4GiB'),
      'cluster.yaml:6:13 virtualMachines[0].memory: "4GiB" is not a size; write 4GB',
    ],
    [
      'has a size with a short unit',
      withVm('10GB', '4G'),
      'cluster.yaml:6:13 virtualMachines[0].memory: "4G" is not a size; write 4GB',
    ],
    [
      'has a size in full-width digits',
      withVm('10GB', '４GB'),
      'cluster.yaml:6:13 virtualMachines[0].memory: "４GB" is not a size: its characters are full-width; write 4GB',
    ],
    [
      'has a count in full-width digits',
      withVm('simultaneousMigrations: 2', 'simultaneousMigrations: ２'),
      'cluster.yaml:3:42 liveMigration.simultaneousMigrations: must be a number, but is the text "２"; its digits are full-width: write 2',
    ],
    [
      'doubles the backslashes between single quotes',
      withVm(VHD_LINE, "'C:\\\\ClusterStorage\\\\Volume1\\\\web-1.vhdx'"),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "C:\\\\\\\\ClusterStorage\\\\\\\\Volume1\\\\\\\\web-1.vhdx" has doubled backslashes; between single quotes a backslash is written once: \'C:\\ClusterStorage\\Volume1\\web-1.vhdx\'',
    ],
    [
      'doubles the backslashes of a share between single quotes',
      withVm(VHD_LINE, "'\\\\\\\\sofs\\\\VHDX\\\\web-1.vhdx'"),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "\\\\\\\\\\\\\\\\sofs\\\\\\\\VHDX\\\\\\\\web-1.vhdx" has doubled backslashes; between single quotes a backslash is written once: \'\\\\sofs\\VHDX\\web-1.vhdx\'',
    ],
    [
      'has yen signs for backslashes',
      withVm(VHD_LINE, "'C:¥ClusterStorage¥Volume1¥web-1.vhdx'"),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "C:¥ClusterStorage¥Volume1¥web-1.vhdx" has the character ¥ (U+00A5), which is no backslash; write \'C:\\ClusterStorage\\Volume1\\web-1.vhdx\'',
    ],
    [
      'has a VHD set for the disk of a new VM',
      withVm(VHD_LINE, VHD_LINE.replace('web-1.vhdx', 'sql-shared-disk-of-the-cluster.vhds')),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "C:\\\\ClusterStorage\\\\Volume1\\\\sql-shared-disk-of-the-cluster.vhds" is a VHD set, which the VMs of a guest cluster share; give the VM a disk of its own, a .vhdx',
    ],
    [
      'has the folder of a share of its own node',
      withVm(VHD_LINE, "'\\\\localhost\\VMs\\web-1.vhdx'"),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "\\\\\\\\localhost\\\\VMs\\\\web-1.vhdx" is on a disk of one node, where no other node can run the VM; put it on a cluster shared volume, for example \'C:\\ClusterStorage\\Volume1\\web-1.vhdx\'',
    ],
    [
      'has a node name with only digits',
      withVm('HV2', "'42'"),
      'cluster.yaml:2:14 nodes[1]: "42" has only digits; Windows wants at least one letter',
    ],
    [
      'has an underscore in a node name',
      withVm('HV2', 'HV_2'),
      'cluster.yaml:2:14 nodes[1]: "HV_2" is not a computer name; use letters A to Z, digits, and hyphens inside',
    ],
    [
      'has a slash in a VM name',
      withVm('name: web-1', 'name: web/1'),
      'cluster.yaml:5:11 virtualMachines[0].name: "web/1" is not a name for a new VM; it names a folder too, so none of \\ / : * ? " < > | can be in it',
    ],
    [
      'has a device name for a VM',
      withVm('name: web-1', 'name: Com1'),
      'cluster.yaml:5:11 virtualMachines[0].name: "Com1" is a device name of Windows; choose another name',
    ],
    [
      'has a zero limit',
      withVm('simultaneousMigrations: 2', 'simultaneousMigrations: 0'),
      'cluster.yaml:3:42 liveMigration.simultaneousMigrations: must be at least 1, but is 0',
    ],
    [
      'has a negative limit',
      withVm('simultaneousStorageMigrations: 3', 'simultaneousStorageMigrations: -3'),
      'cluster.yaml:3:76 liveMigration.simultaneousStorageMigrations: must be at least 1, but is -3',
    ],
    [
      'has a huge limit',
      withVm('simultaneousMigrations: 2', 'simultaneousMigrations: 1000'),
      'cluster.yaml:3:42 liveMigration.simultaneousMigrations: must be at most 32, but is 1000',
    ],
    [
      'has a broken limit',
      withVm('simultaneousMigrations: 2', 'simultaneousMigrations: 1.5'),
      'cluster.yaml:3:42 liveMigration.simultaneousMigrations: must be a whole number, but is the number 1.5',
    ],
    [
      'has a mistyped option',
      withVm('performance: SMB', 'performance: compresion'),
      'cluster.yaml:3:92 liveMigration.performance: is "compresion"; write one of TCPIP, Compression, SMB (did you mean Compression?)',
    ],
    [
      'has a generation that does not exist',
      withVm('switch: LAN', 'generation: 3'),
      'cluster.yaml:8:17 virtualMachines[0].generation: is 3; write one of 1, 2',
    ],
    [
      'has a disk on a local path',
      withVm(VHD_LINE, "'D:\\VMs\\web-1.vhdx'"),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "D:\\\\VMs\\\\web-1.vhdx" is on a disk of one node, where no other node can run the VM; put it on a cluster shared volume, for example \'C:\\ClusterStorage\\Volume1\\web-1.vhdx\'',
    ],
    [
      'has a path that climbs out of the shared volume',
      withVm(VHD_LINE, "'C:\\ClusterStorage\\Volume1\\..\\..\\x.vhdx'"),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "C:\\\\ClusterStorage\\\\Volume1\\\\..\\\\..\\\\x.vhdx" is not a path of Windows',
    ],
    [
      'has a relative path',
      withVm(VHD_LINE, 'web-1.vhdx'),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "web-1.vhdx" is not a full path; write it in full, for example \'C:\\ClusterStorage\\Volume1\\web-1.vhdx\'',
    ],
    [
      'has an ISO for a disk',
      withVm(VHD_LINE, VHD_LINE.replace('vhdx', 'iso')),
      'cluster.yaml:7:10 virtualMachines[0].vhd: "C:\\\\ClusterStorage\\\\Volume1\\\\web-1.iso" is not a virtual disk; it ends with .vhdx',
    ],
    [
      'starts a VM of generation 2 from a .vhd',
      withVm(VHD_LINE, VHD_LINE.replace('vhdx', 'vhd')),
      'cluster.yaml:7:10 virtualMachines[0].vhd: a VM of generation 2 cannot start from a .vhd; use a .vhdx (Convert-VHD makes one), or generation: 1',
    ],
    [
      'names a node of a VM that it does not have',
      withVm('switch: LAN', 'node: HV3'),
      'cluster.yaml:8:11 virtualMachines[0].node: "HV3" is not one of the nodes of this file; write one of HV1, HV2',
    ],
    [
      'has a VM to prove twice',
      withVm('[web-1]', '[web-1, WEB-1]'),
      'cluster.yaml:9:16 prove[1]: the VM "WEB-1" is there twice; Windows does not tell case apart',
    ],
    [
      'has a budget without unit',
      `${GOOD}budgets: { restart: 25 }\n`,
      'cluster.yaml:10:21 budgets.restart: 25 has no unit; write for example 25m',
    ],
    [
      'has an endless budget',
      `${GOOD}budgets: { restart: 30d }\n`,
      'cluster.yaml:10:21 budgets.restart: must be between 1m and 1d, but is 30d',
    ],
    [
      'has a mistyped budget',
      `${GOOD}budgets: { haertbeat: 10s }\n`,
      'cluster.yaml:10:12 budgets.haertbeat: this key is not known; did you mean heartbeat?',
    ],
    [
      'has a negative reserve',
      `${GOOD}memoryReserve: -1GB\n`,
      'cluster.yaml:10:16 memoryReserve: "-1GB" is not a size; write for example 10GB',
    ],
    ['is nested without end', '['.repeat(20_000), 'cluster.yaml: is nested too deeply'],
  ])('that %s is refused with its place', (_name, text, message) => {
    expect(lines(text)).toEqual([message]);
  });

  it('is told with all its mistakes, in the order of the file', () => {
    const text = withVm('10GB', '10 bananas').replace('HV2', 'HV_2').replace('prove', 'proof');
    expect(errorOf(text).problems.map((p) => [p.line, p.path])).toEqual([
      [2, 'nodes[1]'],
      [6, 'virtualMachines[0].memory'],
      [9, 'proof'],
    ]);
  });

  it('with two VMs of one name or one disk is refused', () => {
    const second = GOOD.split('\n').slice(4, 8).join('\n');
    const text = GOOD.replace('prove:', `${second}\nprove:`);
    expect(lines(text)).toEqual([
      'cluster.yaml:9:11 virtualMachines[1].name: the VM "web-1" is there twice; keep one of them',
      'cluster.yaml:11:10 virtualMachines[1].vhd: the virtual disk "C:\\\\ClusterStorage\\\\Volume1\\\\web-1.vhdx" is there twice; keep one of them',
    ]);
  });

  it('fits on one screen however many mistakes it has', () => {
    const nodes = Array.from({ length: 60 }, (_, i) => `N_${i}`);
    const text = lines(stringify({ cluster: 'c', nodes }));
    expect(text).toHaveLength(16);
    expect(text.at(-1)).toBe('and 45 more');
  });

  it('never fills memory by references that multiply', () => {
    const bomb = ['a: &a [x]'];
    for (let i = 1; i < 12; i += 1) {
      const before = String.fromCharCode(96 + i);
      const name = String.fromCharCode(97 + i);
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`);
    }
    expect(lines(bomb.join('\n'))[0]).toMatch(/^cluster\.yaml: cannot be read as YAML/);
  });
});

describe('any text', () => {
  const accepts = (text: string): void => {
    try {
      const spec = parseClusterFile(text, 'cluster.yaml');
      expect(spec.nodes.length).toBeGreaterThanOrEqual(2);
    } catch (err) {
      if (!(err instanceof ConfigError)) throw err;
      expect(err.problems.length).toBeGreaterThan(0);
      for (const p of err.problems) {
        expect(p.message).not.toMatch(/undefined|\[object/);
        // eslint-disable-next-line no-control-regex -- what must not reach a terminal
        expect(formatProblem(p)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }
    }
  };

  it('gives a specification or a ConfigError, never another exception', () => {
    const nasty = fc.constantFrom(...'[]{}:,-#&*!|>\'"%@`?\n\t ~\\\u001b'.split(''), '__proto__: ');
    fc.assert(fc.property(fc.string(), accepts));
    fc.assert(
      fc.property(
        fc.array(nasty).map((a) => a.join('')),
        accepts,
      ),
      { numRuns: 300 },
    );
  });

  it('that is almost right gives one of the two as well', () => {
    const piece = fc.constantFrom(
      '',
      '\n',
      ': ',
      '- ',
      '[',
      '}',
      '"',
      "'",
      '&a ',
      '*a',
      '\t',
      'null',
    );
    fc.assert(
      fc.property(fc.nat({ max: GOOD.length }), fc.nat({ max: 20 }), piece, (at, cut, put) => {
        accepts(GOOD.slice(0, at) + put + GOOD.slice(at + cut));
      }),
      { numRuns: 500 },
    );
  });

  it('of a document with the right keys and any values gives one of the two', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('10GB', 'HV1', ['HV1', 'HV2']));
    const keys = ['cluster', 'nodes', 'virtualMachines', 'prove', 'budgets', 'liveMigration'];
    const file = fc.record(Object.fromEntries(keys.map((k) => [k, value])), { requiredKeys: [] });
    fc.assert(
      fc.property(file, (f) => accepts(stringify(f))),
      { numRuns: 200 },
    );
  });
});

describe('the file on disk', () => {
  const dir = mkdtempSync(join(tmpdir(), 'watari-cluster-file-'));
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return path;
  };
  const fails = (path: string): string => {
    try {
      loadClusterFile(path);
    } catch (err) {
      if (err instanceof ConfigError) return err.message;
    }
    throw new Error('no ConfigError');
  };

  it('is read with or without a byte order mark', () => {
    expect(loadClusterFile(write('a.yaml', GOOD)).cluster).toBe('hv-lab');
    expect(loadClusterFile(write('b.yaml', `\ufeff${GOOD}`)).cluster).toBe('hv-lab');
  });

  it('is read as PowerShell redirection writes it, with CRLF in UTF-16', () => {
    const text = `\ufeff${GOOD.replaceAll('\n', '\r\n')}`;
    expect(loadClusterFile(write('c.yaml', Buffer.from(text, 'utf16le'))).cluster).toBe('hv-lab');
  });

  it('that is missing, a folder, huge or not text is named', () => {
    const missing = join(dir, 'missing.yaml');
    expect(fails(missing)).toBe(`${missing}: there is no such file`);
    expect(fails(dir)).toBe(`${dir}: is a folder, not a file`);
    expect(fails(write('huge.yaml', '#'.repeat(1024 * 1024 + 1)))).toContain('is larger than 1 MB');
    expect(fails(write('latin.yaml', new Uint8Array([0x61, 0xe4, 0x62])))).toContain(
      'is not UTF-8 text; save it with the encoding UTF-8',
    );
  });
});
