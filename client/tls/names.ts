// Names in certificates, as people type them: of a server (what is connected to), of a client (a folder, too). Pure.
import { isIP } from 'node:net';
import { badInput } from '../errors.ts';

const LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const DNS_MAX = 253;

export function checkedServerName(name: string): string {
  if (isIP(name) !== 0) return name;
  const labels = name.split('.');
  // A last label of digits is an address that is none, like 10.0.0.256.
  const mistyped = /^\d+$/.test(labels.at(-1) ?? '');
  if (name.length <= DNS_MAX && !mistyped && labels.every((label) => LABEL.test(label))) {
    return name;
  }
  throw badInput(
    `--server ${JSON.stringify(name)} is neither a host name nor an IP address`,
    'Write what workers connect to, without port:  --server temporal.branch.example,10.0.0.5',
  );
}

/** Device names of Windows are no folders there. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

export function checkedClient(name: string): string {
  if (
    /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/.test(name) &&
    !RESERVED.test(name) &&
    !name.endsWith('.')
  )
    return name;
  throw badInput(
    `--client ${JSON.stringify(name)} is not a name for a certificate`,
    'Use the name of the node or the person: letters, digits and . _ @ -, at most 63 of them.',
  );
}
