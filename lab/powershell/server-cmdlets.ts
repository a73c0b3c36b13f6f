// Features and event logs of a node: the ServerManager module and Get-WinEvent.
import { includesName, sameName } from '../../domain/names.ts';
import { installFeatures } from '../machine/acts.ts';
import { CLUSTER_LOG, RESOURCE_LOG, VMMS_LOG, type LabEvent } from '../machine/records.ts';
import { hasHyperV, roleOfId, type LabNode } from '../machine/world.ts';
import { plainText, resourcesOf } from './cluster-objects.ts';
import { obey, objects, type Call, type Cmdlet, type Result } from './cmdlet.ts';
import { notImplemented, plainError } from './errors.ts';
import { wildcard } from './matching.ts';
import { enumOf, SERVERS } from './windows-types.ts';
import { date, int64, text, type Wire } from './wire.ts';

const featureObject = (node: LabNode, name: string): Wire => {
  const state = node.features.get(name) ?? 'Available';
  return {
    $t: `${SERVERS}.Feature`,
    text: 'Name',
    p: {
      Name: text(name),
      DisplayName: text(name),
      Installed: state === 'Installed',
      InstallState: enumOf(`${SERVERS}.InstallState`, state),
      FeatureType: 'Role',
    },
  };
};

const getFeature: Cmdlet = {
  takes: ['Name'],
  run: ({ node, bound }) => {
    const patterns = bound.texts('Name')?.map(wildcard);
    const names = [...node.features.keys()].filter(
      (name) => patterns?.some((matches) => matches(name)) ?? true,
    );
    return objects(names.map((name) => featureObject(node, name)));
  },
};

/** What every call ends with, also one that reported errors. */
const operationResult = (
  success: boolean,
  restart: 'No' | 'Yes' | 'Maybe',
  exit: 'Success' | 'Failed' | 'InvalidArgs' | 'NoChangeNeeded' | 'SuccessRestartRequired',
  features: Wire[] = [],
): Wire => ({
  $t: `${SERVERS}.FeatureOperationResult`,
  p: {
    Success: success,
    RestartNeeded: enumOf(`${SERVERS}.RestartState`, restart),
    ExitCode: enumOf(`${SERVERS}.FeatureOperationExitCode`, exit),
    FeatureResult: features,
  },
});

function installFeature(call: Call): Result {
  const { node, bound } = call;
  const known = (name: string) => [...node.features.keys()].find((one) => sameName(one, name));
  const given = bound.texts('Name') ?? [];
  const unknown = given.filter((name) => known(name) === undefined);
  if (unknown.length > 0) return unknownFeatures(call, unknown);
  if (!bound.flag('IncludeManagementTools'))
    throw notImplemented(call.cmdlet, 'a call without -IncludeManagementTools');
  const names = given.map((name) => known(name) ?? name);
  const leaving = names.filter((name) => node.features.get(name) === 'UninstallPending');
  if (leaving.length > 0) return restartFirst(call, leaving);
  const done = obey(call, () => installFeatures(call, { names }));
  const { changed } = done.facts;
  const result = (): Wire[] => {
    const restart = names.some((name) => node.features.get(name) === 'InstallPending');
    const exit = !changed ? 'NoChangeNeeded' : restart ? 'SuccessRestartRequired' : 'Success';
    const features = changed ? names.map((name) => featureObject(node, name)) : [];
    return [operationResult(true, restart ? 'Yes' : 'No', exit, features)];
  };
  const warn = changed && names.includes('Hyper-V');
  return {
    out: done.readyAt === undefined ? result() : [],
    progress: 'インストールの開始...',
    ...(warn && {
      warnings: ['インストール プロセスを完了するには、このサーバーを再起動する必要があります。'],
    }),
    ...(done.readyAt !== undefined && { readyAt: done.readyAt, read: result }),
  };
}

/** Reported beside the result, as recorded on Windows Server 2019 and 2022. */
function unknownFeatures({ cmdlet }: Call, names: string[]): Result {
  const errors = names.map(
    (name) =>
      plainError(cmdlet, {
        id: 'NameDoesNotExist',
        category: 'InvalidArgument',
        message: `ArgumentNotValid: The role, role service, or feature name is not valid: '${name}'. The name was not found.`,
        target: name,
      }).record,
  );
  return { out: [operationResult(false, 'No', 'InvalidArgs')], errors };
}

/** Nothing is installed while Windows waits for a restart to finish something else. */
function restartFirst({ cmdlet }: Call, names: string[]): Result {
  const errors = names.map(
    (name) =>
      plainError(cmdlet, {
        id: 'FeatureMessageDetail',
        category: 'OperationStopped',
        message: `Installation of [X] ${name} failed. The computer must be restarted to complete another installation. After restarting the computer, please re-run the same command to install this role.`,
      }).record,
  );
  return { out: [operationResult(false, 'Maybe', 'Failed')], errors };
}

const HYPERV_LOGS = [
  VMMS_LOG,
  'Microsoft-Windows-Hyper-V-VMMS-Operational',
  RESOURCE_LOG,
  'Microsoft-Windows-Hyper-V-Worker-Admin',
];
const LOGS = [CLUSTER_LOG, 'Application', 'Microsoft-Windows-FailoverClustering/Operational'];

const providerOf = ({ log }: LabEvent): string =>
  /^(.*Hyper-V.*?)-(?:Admin|Operational)$/.exec(log)?.[1] ?? 'Microsoft-Windows-FailoverClustering';

/** A property of a filter as a list; keys of a hashtable do not count case. */
function wanted(filter: Readonly<Record<string, unknown>>, name: string): unknown[] | undefined {
  const key = Object.keys(filter).find((one) => sameName(one, name));
  if (key === undefined) return undefined;
  const value = filter[key];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

const FILTER_KEYS = ['logname', 'providername', 'id', 'level', 'starttime', 'endtime'];

const timeOf = (value: unknown): number =>
  Date.parse((value as { $date?: string } | undefined)?.$date ?? '');

function getEvent(call: Call): Result {
  const { world, node, bound } = call;
  const given = bound.raw('FilterHashtable');
  const filter = ((Array.isArray(given) ? given[0] : given) ?? {}) as Record<string, unknown>;
  const strange = Object.keys(filter).find((key) => !FILTER_KEYS.includes(key.toLowerCase()));
  if (strange !== undefined) throw notImplemented(call.cmdlet, `the filter ${strange}`);
  const names = (list: unknown[] | undefined) => list?.filter((item) => typeof item === 'string');
  const logs = names(wanted(filter, 'LogName')) ?? [];
  const there = hasHyperV(node) ? [...LOGS, ...HYPERV_LOGS] : LOGS;
  const missing = logs.find((log) => !includesName(there, log));
  if (missing !== undefined)
    throw plainError(call.cmdlet, {
      id: 'NoMatchingLogsFound',
      category: 'ObjectNotFound',
      message: `There is not an event log on the computer that matches "${missing}".`,
      target: missing,
    });
  const providers = names(wanted(filter, 'ProviderName'));
  const ids = wanted(filter, 'Id');
  const levels = wanted(filter, 'Level');
  const since = timeOf(wanted(filter, 'StartTime')?.[0]);
  const until = timeOf(wanted(filter, 'EndTime')?.[0]);
  const found = world.records.events.filter((event) => {
    const at = Date.parse(event.time);
    return (
      event.node === node.name &&
      includesName(logs, event.log) &&
      (providers?.some((provider) => sameName(provider, providerOf(event))) ?? true) &&
      (ids?.includes(event.id) ?? true) &&
      (levels?.includes(event.level) ?? true) &&
      !(at < since) &&
      !(at > until)
    );
  });
  if (found.length === 0)
    throw plainError(call.cmdlet, {
      id: 'NoMatchingEventsFound',
      category: 'ObjectNotFound',
      message: 'No events were found that match the specified selection criteria.',
    });
  const max = bound.number('MaxEvents') ?? found.length;
  const newest = found.slice(-max);
  return objects(
    (bound.flag('Oldest') ? newest : newest.reverse()).map((e) => eventObject(call, e)),
  );
}

/** VMMS names the VM and its id; the cluster and its resources name the resource, as it is called. */
function aboutOf({ world }: Call, { log, vm, vmIds }: LabEvent): string[] {
  if (vm === null) return [];
  const [id = ''] = vmIds;
  if (log.startsWith('Microsoft-Windows-Hyper-V-VMMS-')) return [vm, id.toUpperCase()];
  const role = roleOfId(world, id);
  const [resource] = role === undefined ? [] : resourcesOf(world, role);
  return resource === undefined ? [vm] : [plainText(resource, 'Name'), 'Virtual Machine'];
}

function eventObject(call: Call, event: LabEvent): Wire {
  const { node } = call;
  const data = [
    ...aboutOf(call, event),
    ...event.more,
    ...(event.hresult === null ? [] : [`%%${Number.parseInt(event.hresult, 16)}`]),
    ...(event.hresult === null ? [] : [`(${event.hresult})`]),
  ];
  return {
    $t: 'System.Diagnostics.Eventing.Reader.EventLogRecord',
    p: {
      Id: event.id,
      LogName: text(event.log),
      ProviderName: text(providerOf(event)),
      Level: event.level,
      RecordId: int64(event.recordId),
      MachineName: text(node.name),
      TimeCreated: date(Date.parse(event.time)),
      Message: text(event.message),
      Properties: data.map((value) => ({
        $t: 'System.Diagnostics.Eventing.Reader.EventProperty',
        p: { Value: text(value) },
      })),
    },
  };
}

export const SERVER_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Get-WindowsFeature': getFeature,
  'Install-WindowsFeature': { takes: ['Name', 'IncludeManagementTools'], run: installFeature },
  'Get-WinEvent': { takes: ['FilterHashtable', 'MaxEvents', 'Oldest'], run: getEvent },
};
