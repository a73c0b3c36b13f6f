// A service of docker-compose.yml as a process of this machine. Everything stays as the file says but what only a
// container can have: names of hosts, ports that are free in there, and paths below a mount.
import path from 'node:path';
import { PACKAGE_ROOT } from '../../client/package-root.ts';
import type { Service } from './compose-file.ts';

export interface Place {
  /** Port on the loopback interface for each port that services use among themselves, or keep for themselves (7400). */
  ports: Readonly<Record<'5432' | '7233' | '8080' | '7400', number>>;
  /** Of the server's other doors, which containers have for themselves. */
  more: readonly number[];
}

const LOOPBACK = '127.0.0.1';
/** Names by which containers call each other. */
const HOSTS = ['postgresql', 'temporal'];

/** Doors of the server that would collide with those of another server on this machine; as its template calls them. */
const DOORS = [
  'FRONTEND_HTTP_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
];
export const DOORS_COUNT = DOORS.length;

/** The environment of the process. */
export function environmentOf(service: Service, place: Place): Record<string, string> {
  const own = Object.fromEntries(
    Object.entries(service.environment).map(([name, value]) => [
      name,
      named(name, value, place) ?? here(value, service, place),
    ]),
  );
  if (service.name === 'temporal') {
    own['FRONTEND_GRPC_PORT'] = String(place.ports['7233']);
    for (const [i, name] of DOORS.entries()) own[name] = String(place.more[i] ?? 0);
  }
  if (service.name === 'temporal-ui') own['TEMPORAL_UI_PORT'] = String(place.ports['8080']);
  return own;
}

/** Program and arguments, with the same changes. */
export const wordsOf = (words: readonly string[], service: Service, place: Place): string[] => [
  ...words.map((word) => portHere(word, place) ?? here(word, service, place)),
  ...labDoor(words, place),
];

/** What the image of our Dockerfile has in its working folder. */
const OF_OUR_IMAGE = /^(dist|lab)\//;
const LAB_PROGRAM = 'dist/lab/main.js';

/** Nobody else is in the lab's container, so the file names no port for it. */
function labDoor(words: readonly string[], { ports }: Place): string[] {
  const at = words.indexOf(LAB_PROGRAM);
  if (at < 0) return [];
  const port = String(ports['7400']);
  return words[at + 1] === 'start' ? ['--port', port] : ['--url', `http://${LOOPBACK}:${port}`];
}

/** By the variable's name, because `temporal` is a host, a user and a database. */
function named(name: string, value: string, place: Place): string | undefined {
  if (/(HOST|SEEDS)$/.test(name) && HOSTS.includes(value)) return LOOPBACK;
  if (/PORT$/.test(name)) return portHere(value, place);
  return name === 'BIND_ON_IP' ? LOOPBACK : undefined;
}

const portHere = (value: string, { ports }: Place): string | undefined =>
  value in ports ? String(ports[value as keyof Place['ports']]) : undefined;

/** `temporal:7233` and `http://127.0.0.1:8080/healthz`; paths. */
function here(value: string, service: Service, place: Place): string {
  const address = /^(http:\/\/)?([a-z0-9.]+):(\d+)(\/.*)?$/.exec(value);
  if (address === null) {
    if (OF_OUR_IMAGE.test(value)) return path.join(PACKAGE_ROOT, value);
    return inMount(value, service) ?? value;
  }
  const [, scheme = '', host = '', port = '', rest = ''] = address;
  const mapped = portHere(port, place);
  if (mapped === undefined) return value;
  return `${scheme}${HOSTS.includes(host) ? LOOPBACK : host}:${mapped}${rest}`;
}

/** A path below a mount is the path of what is mounted there. */
function inMount(value: string, service: Service): string | undefined {
  for (const { source, target } of service.mounts) {
    if (value === target) return source;
    if (value.startsWith(`${target}/`)) return path.join(source, value.slice(target.length + 1));
  }
  return undefined;
}
