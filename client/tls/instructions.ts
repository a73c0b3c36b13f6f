// What a person does with the certificates of `watari tls init`: what goes to which computer, how its key is locked,
// and the settings that use it. Pure.
import path from 'node:path';
import { SETTINGS_FILE } from '../../config/service-places.ts';
import { dateTime } from '../words.ts';
import { FILES, type Made } from './folder.ts';

/** Where a client's folder lies on its Windows computer; the profile beside the certificates names it. */
export const WINDOWS_PLACE = 'C:\\ProgramData\\watari\\tls';
/** What a worker that Windows starts reads; it sees no variables of whoever installs it. */
const WORKER_SETTINGS = path.win32.join(WINDOWS_PLACE, '..', SETTINGS_FILE);

/** Profile of Temporal's own configuration file, as TEMPORAL_CONFIG_FILE reads it. */
export function profileToml(serverName: string): string {
  const file = (name: string): string => `'${WINDOWS_PLACE}\\${name}'`;
  return [
    '# Where Temporal is and how this computer proves who it is. Used by watari and by the temporal command when',
    `# TEMPORAL_CONFIG_FILE names this file. Correct the paths when the files lie elsewhere than in ${WINDOWS_PLACE}.`,
    '[profile.default]',
    `address = "${addressOf(serverName)}"`,
    '',
    '[profile.default.tls]',
    `server_name = "${serverName}"`,
    `server_ca_cert_path = ${file(FILES.authority.certificate)}`,
    `client_cert_path = ${file(FILES.client.certificate)}`,
    `client_key_path = ${file(FILES.client.key)}`,
    '',
  ].join('\n');
}

const addressOf = (serverName: string): string =>
  serverName.includes(':') ? `[${serverName}]:7233` : `${serverName}:7233`;

/** The lines for people; on Windows with the commands that stand in for file modes. */
export function instructions(made: readonly Made[], platform: NodeJS.Platform): string[] {
  const server = made.find((one) => one.kind === 'server');
  const authority = made.find((one) => one.kind === 'authority');
  const clients = made.filter((one) => one.kind === 'client');
  const name = server?.name ?? 'SERVER';
  return [
    ...made.map(outcomeLine),
    '',
    ...(authority === undefined ? [] : authorityLines(authority.folder, platform)),
    ...(server === undefined ? [] : serverLines(server)),
    ...(clients.length === 0 ? [] : clientLines(clients, name)),
    'More: docs/security.md',
  ];
}

function outcomeLine({ kind, name, names, outcome, validTo, before }: Made): string {
  const what = { authority: 'authority', server: 'server', client: 'client' }[kind];
  const called = names.length > 1 ? ` (${names.join(', ')})` : '';
  const was = before === null ? '' : `; the one before ended ${dateTime(new Date(before))}`;
  return `${outcome.padEnd(8)}${what.padEnd(10)}${name}${called}, valid until ${dateTime(new Date(validTo))}${was}`;
}

function authorityLines(folder: string, platform: NodeJS.Platform): string[] {
  const key = path.join(folder, FILES.authority.key);
  return [
    `Keep ${key} off every server and node: whoever has it can make certificates.`,
    ...(platform === 'win32'
      ? [
          'Windows has no file modes; let nobody else read this folder, in PowerShell:',
          `  icacls "${folder}" /inheritance:r /grant:r "\${env:USERNAME}:(OI)(CI)F"`,
        ]
      : []),
    '',
  ];
}

function serverLines({ folder }: Made): string[] {
  const [pem, key] = [FILES.server.certificate, FILES.server.key];
  return [
    `Server: ${folder} has ${pem}, ${key} and ${FILES.authority.certificate}. With docker-compose.yml:`,
    '  copy it to deploy/temporal/tls, take the # off both COMPOSE_ lines at the end of .env.example in your .env, then',
    '  docker compose up -d --wait',
    '',
  ];
}

function clientLines(clients: readonly Made[], serverName: string): string[] {
  const lock = `icacls "${WINDOWS_PLACE}" /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"`;
  const variables = [
    `TEMPORAL_ADDRESS=${addressOf(serverName)}`,
    `TEMPORAL_TLS_SERVER_NAME=${serverName}`,
    `TEMPORAL_TLS_SERVER_CA_CERT_PATH=…/${FILES.authority.certificate}`,
    `TEMPORAL_TLS_CLIENT_CERT_PATH=…/${FILES.client.certificate}`,
    `TEMPORAL_TLS_CLIENT_KEY_PATH=…/${FILES.client.key}`,
  ];
  return [
    'Each client gets its own folder and no other:',
    ...clients.map(({ name, folder }) => `  ${folder}  to ${WINDOWS_PLACE} on ${name}`),
    'There, in PowerShell as administrator (administrators and the system alone may read the key):',
    `  ${lock}`,
    `  Add-Content ${WORKER_SETTINGS} 'TEMPORAL_CONFIG_FILE=${WINDOWS_PLACE}\\temporal.toml'`,
    'then install the worker, or start it again. Elsewhere, instead of the file:',
    ...variables.map((line) => `  ${line}`),
    '',
  ];
}
