// The COM objects of the Windows Update Agent as far as watari's module uses them, and what Watari.Probe does beside
// them: notes, the task that runs a job, DISM. A method of such an object comes to the lab as a cmdlet called
// Interface.Method.
import { RESULT_CODES } from '../../domain/update-facts.ts';
import {
  beginFolder,
  beginJob,
  beginStep,
  commit,
  PACKAGES,
  type StepKind,
} from '../machine/update-jobs.ts';
import { clockTime, jobState, search } from '../machine/update-reads.ts';
import { HRESULTS_OF_UPDATES as CODES } from '../machine/update-results.ts';
import type { LabUpdate, StepEnd } from '../machine/update-state.ts';
import { isWorking, restartFirst } from '../machine/updates.ts';
import type { LabNode, World } from '../machine/world.ts';
import { objects, type Call, type Cmdlet, type Result } from './cmdlet.ts';
import { CmdletError, notImplemented, signed } from './errors.ts';
import { int64, text, texts, type Wire, type WireObject } from './wire.ts';

/** Lists and results that scripts hold, by the names under which they come back. */
interface Held {
  lists: Map<string, LabUpdate[]>;
  ends: Map<string, StepEnd | null>;
  count: number;
}
const HELD = new WeakMap<World, Held>();

function heldIn(world: World): Held {
  const known = HELD.get(world) ?? { lists: new Map(), ends: new Map(), count: 0 };
  HELD.set(world, known);
  return known;
}

function hold(world: World, kind: 'lists' | 'ends', value: LabUpdate[] | StepEnd | null): string {
  const held = heldIn(world);
  held.count += 1;
  const id = `wua:${kind}:${held.count}`;
  (held[kind] as Map<string, unknown>).set(id, value);
  return id;
}

/** As PowerShell calls an object of COM. */
const com = (
  name: string,
  id: string,
  m: readonly string[],
  p: WireObject['p'],
  sends: readonly string[] = [],
): WireObject => ({ $t: `System.__ComObject.${name}`, id, m, sends, p });

function comError({ cmdlet }: Call, hresult: string): CmdletError {
  return new CmdletError({
    fqid: 'System.Runtime.InteropServices.COMException',
    category: 'OperationStopped',
    type: 'System.Runtime.InteropServices.COMException',
    message: `Exception from HRESULT: ${hresult} (${cmdlet})`,
    hresult: signed(hresult),
    terminating: true,
  });
}

const updateObject = ({ id, is, downloaded, accepted }: LabUpdate): Wire =>
  com('IUpdate5', `wua:update:${id}`, ['AcceptEula'], {
    Identity: com('IUpdateIdentity', `wua:identity:${id}`, [], {
      UpdateID: text(id),
      RevisionNumber: 200,
    }),
    Title: text(is.title ?? is.kb),
    KBArticleIDs: texts([is.kb.slice(2)]),
    MaxDownloadSize: int64(is.size),
    MsrcSeverity: is.severity,
    InstallationBehavior: com('IInstallationBehavior', `wua:behavior:${id}`, [], {
      RebootBehavior: ['never', 'always', 'maybe'].indexOf(is.restart),
      Impact: ['normal', 'minor', 'exclusive'].indexOf(is.impact),
      CanRequestUserInput: is.canRequestInput,
    }),
    EulaAccepted: accepted,
    Categories: is.categories.map((one, i) =>
      com('ICategory', `wua:category:${id}:${i}`, [], { Name: text(one) }),
    ),
    IsDownloaded: downloaded,
  });

const listObject = (world: World, updates: LabUpdate[]): WireObject =>
  com('IUpdateCollection', hold(world, 'lists', updates), ['Item', 'Add'], {
    Count: updates.length,
  });

const SESSION = com(
  'IUpdateSession3',
  'wua:session',
  ['CreateUpdateSearcher', 'CreateUpdateDownloader', 'CreateUpdateInstaller'],
  { ClientApplicationID: '' },
);

const getUpdateAgent: Cmdlet = {
  takes: ['ProgId'],
  run: ({ node, bound }) =>
    objects([
      bound.text('ProgId') === 'Microsoft.Update.SystemInfo'
        ? com('ISystemInformation', 'wua:system', [], { RebootRequired: node.pendingRestart })
        : SESSION,
    ]),
};

const newUpdateList: Cmdlet = {
  takes: [],
  run: ({ world }) => objects([{ $t: 'Watari.Probe.List', p: { List: listObject(world, []) } }]),
};

/** Properties of an installer, which go along with its methods. */
const INSTALLER = ['Updates', 'ForceQuiet', 'AllowSourcePrompts'];

/** Method arguments, and the object itself. */
const METHOD = ['Arguments', 'Self'];
const argumentsOf = ({ bound }: Call): unknown[] => {
  const given = bound.raw('Arguments');
  return Array.isArray(given) ? (given as unknown[]) : [];
};

const refOf = (value: unknown): string => {
  const ref = (value as { $ref?: unknown } | null | undefined)?.$ref;
  return typeof ref === 'string' ? ref : '';
};

const listOf = ({ world, bound }: Call, name: string): LabUpdate[] =>
  heldIn(world).lists.get(bound.refs(name)[0] ?? '') ?? [];

const searchUpdates: Cmdlet = {
  takes: METHOD,
  run: (call) => {
    const [criteria] = argumentsOf(call);
    const found = typeof criteria === 'string' ? search(call.node, criteria) : null;
    if (found === null) throw comError(call, CODES.criteria);
    return objects([
      com('ISearchResult', 'wua:found', [], {
        ResultCode: RESULT_CODES.indexOf('succeeded'),
        Warnings: [],
        Updates: listObject(call.world, found),
      }),
    ]);
  },
};

const item: Cmdlet = {
  takes: METHOD,
  run: (call) => {
    const found = listOf(call, 'Self')[Number(argumentsOf(call)[0])];
    // E_INVALIDARG
    if (found === undefined) throw comError(call, '0x80070057');
    return objects([updateObject(found)]);
  },
};

const updateOf = (node: LabNode, ref: string): LabUpdate | undefined =>
  node.updates.offers.find(({ id }) => ref === `wua:update:${id}`);

const add: Cmdlet = {
  takes: METHOD,
  run: (call) => {
    const update = updateOf(call.node, refOf(argumentsOf(call)[0]));
    if (update === undefined) throw comError(call, '0x80070057');
    const list = listOf(call, 'Self');
    list.push(update);
    return objects([list.length - 1]);
  },
};

const acceptEula: Cmdlet = {
  takes: METHOD,
  run: ({ node, bound }) => {
    const update = updateOf(node, bound.refs('Self')[0] ?? '');
    if (update !== undefined) update.accepted = true;
    return objects([]);
  },
};

/** WU_E_NO_UPDATE */
const NO_UPDATE = '0x80240024';

/** One update at a time is all that is asked for here. */
const working = (kind: StepKind): Cmdlet => ({
  takes: [...METHOD, ...INSTALLER],
  run: (call): Result => {
    const { world, node, cmdlet } = call;
    const [update, ...more] = listOf(call, 'Updates');
    if (update === undefined) throw comError(call, NO_UPDATE);
    if (more.length > 0) throw notImplemented(cmdlet, 'more than one update at once');
    if (!update.accepted) throw comError(call, CODES.termsOpen);
    if (kind === 'install' && (isWorking(node) || restartFirst(node)))
      throw comError(call, CODES.notAllowed);
    const step = beginStep(world, node, update, kind);
    return {
      out: [],
      readyAt: step.readyAt,
      read: () => [
        com('IOperationResult', hold(world, 'ends', step.end), ['GetUpdateResult'], {
          ResultCode: RESULT_CODES.indexOf(step.end?.result ?? 'failed'),
        }),
      ],
    };
  },
});

const getUpdateResult: Cmdlet = {
  takes: METHOD,
  run: (call) => {
    const end = heldIn(call.world).ends.get(call.bound.refs('Self')[0] ?? '');
    if (end == null) throw comError(call, '0x80070057');
    return objects([
      com('IUpdateResult', 'wua:result', [], {
        ResultCode: RESULT_CODES.indexOf(end.result),
        HResult: signed(end.hresult),
        RebootRequired: end.restartNeeded,
      }),
    ]);
  },
};

const commitInstaller: Cmdlet = {
  takes: [...METHOD, ...INSTALLER],
  run: ({ world, node }) => {
    commit(world, node);
    return objects([]);
  },
};

const made = (make: (call: Call) => WireObject): Cmdlet => ({
  takes: METHOD,
  run: (call) => objects([make(call)]),
});

/** The job as the module's runner would have written it down. */
function jobText(world: World, node: LabNode): string {
  const { job, notes } = node.updates;
  if (job === null) return notes.get('UpdateJob') ?? '';
  const at = (time: number): string => `=${clockTime(world, node, time)}`;
  const { kind, ids, acceptEula, boot, startedAt, changedAt, results, ended } = job;
  return JSON.stringify({
    kind,
    ids,
    acceptEula,
    boot,
    startedAt: at(startedAt),
    changedAt: at(changedAt),
    results,
    error: null,
    ended,
  });
}

const readNote: Cmdlet = {
  takes: ['Name'],
  run: ({ world, node, bound }) => {
    const name = bound.text('Name') ?? '';
    const note = name === 'UpdateJob' ? jobText(world, node) : (node.updates.notes.get(name) ?? '');
    return objects([{ $t: 'Watari.Probe.Note', p: { Text: text(note) } }]);
  },
};

const writeNote: Cmdlet = {
  takes: ['Name', 'Text'],
  run: ({ node: { updates }, bound }) => {
    const name = bound.text('Name') ?? '';
    updates.notes.set(name, bound.text('Text') ?? '');
    // The only place where a job is written down: what was there before is gone.
    if (name === 'UpdateJob') updates.job = null;
    return objects([]);
  },
};

/** The task that update-job.ps1 runs in: what it was asked is in the note. */
const startUpdateTask: Cmdlet = {
  takes: [],
  run: ({ world, node }) => {
    const { kind, ids, acceptEula } = JSON.parse(node.updates.notes.get('UpdateJob') ?? '{}') as {
      kind: StepKind;
      ids: string[];
      acceptEula: boolean;
    };
    beginJob(world, node, { kind, ids, acceptEula });
    return objects([]);
  },
};

const testUpdateTask: Cmdlet = {
  takes: [],
  run: ({ node }) => {
    const { job } = node.updates;
    const running = job !== null && jobState(node, job) === 'running';
    return objects([{ $t: 'Watari.Probe.Task', p: { Running: running } }]);
  },
};

const installUpdatePackage: Cmdlet = {
  takes: ['Folder'],
  run: ({ world, node, bound }) => {
    const install = beginFolder(world, node, bound.text('Folder') ?? '');
    const read = (): Wire[] => [
      { $t: 'Watari.Probe.Exit', p: { ExitCode: install.code ?? PACKAGES.missing } },
    ];
    return install.code === null ? { out: [], readyAt: install.readyAt, read } : objects(read());
  },
};

export const UPDATE_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Get-UpdateAgent': getUpdateAgent,
  'New-UpdateList': newUpdateList,
  'Read-Note': readNote,
  'Write-Note': writeNote,
  'Start-UpdateTask': startUpdateTask,
  'Test-UpdateTask': testUpdateTask,
  'Install-UpdatePackage': installUpdatePackage,
};

/** By interface and method, as LabCore.ps1 names them. */
export const UPDATE_METHODS: Readonly<Record<string, Cmdlet>> = {
  'IUpdateSession3.CreateUpdateSearcher': made(() =>
    com('IUpdateSearcher', 'wua:searcher', ['Search'], {}),
  ),
  'IUpdateSession3.CreateUpdateDownloader': made(() =>
    com('IUpdateDownloader', 'wua:downloader', ['Download'], { Updates: null }, ['Updates']),
  ),
  'IUpdateSession3.CreateUpdateInstaller': made(({ node }) =>
    com(
      'IUpdateInstaller',
      'wua:installer',
      ['Install', 'Commit'],
      {
        Updates: null,
        ForceQuiet: false,
        AllowSourcePrompts: true,
        IsBusy: isWorking(node),
        RebootRequiredBeforeInstallation: restartFirst(node),
      },
      INSTALLER,
    ),
  ),
  'IUpdateSearcher.Search': searchUpdates,
  'IUpdateCollection.Item': item,
  'IUpdateCollection.Add': add,
  'IUpdate5.AcceptEula': acceptEula,
  'IUpdateDownloader.Download': working('download'),
  'IUpdateInstaller.Install': working('install'),
  'IUpdateInstaller.Commit': commitInstaller,
  'IOperationResult.GetUpdateResult': getUpdateResult,
};
