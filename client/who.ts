// Who uses this command, for the record of runs: the operating system's name for them and this computer, and the name
// in the certificate where one is shown to the server. Told and not proved: docs/security.md says what it is worth.
import { X509Certificate } from 'node:crypto';
import type { Context } from './context.ts';
import type { Temporal, TemporalTarget } from './temporal/connection.ts';

/** `ito@ADMIN-PC`, or `ito@ADMIN-PC (certificate ito)`. */
export const whoActs = ({ startedBy }: Context, { target }: Temporal): string => {
  const name = certificateName(target);
  return name === null ? startedBy : `${startedBy} (certificate ${name})`;
};

/** Of the client certificate; null without one, and where it has no name. */
export function certificateName({ connectionOptions }: Partial<TemporalTarget>): string | null {
  const { tls } = connectionOptions ?? {};
  const pair = typeof tls === 'object' ? tls?.clientCertPair : undefined;
  if (pair == null) return null;
  try {
    const { subject } = new X509Certificate(pair.crt);
    return /^CN=(.+)$/m.exec(subject)?.[1] ?? null;
  } catch {
    // Whoever connects with it is told what is wrong with it.
    return null;
  }
}
