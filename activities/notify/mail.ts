// Mail through a relay of the administrator. Of what the relay says only its number is told: its words may repeat the
// account, or more.
import type { MailChannel } from '../../config/notify-file.ts';
import type { Message } from '../../domain/message.ts';
import { SEND_MS, type Answer, type Channel } from './channel.ts';
import { mailText } from './formats.ts';
import { networkReason } from './http.ts';

export function mailChannel(settings: MailChannel): Channel {
  return {
    name: settings.channel,
    kind: settings.kind,
    send: (message, signal) => sendMail(settings, message, signal),
  };
}

async function sendMail(
  { host, port, security, user, password, from, to }: MailChannel,
  message: Message,
  signal: AbortSignal,
): Promise<Answer> {
  // Loaded by whoever sends mail: no other command or worker pays for it.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user === null || password === null ? {} : { auth: { user, pass: password.reveal() } }),
    connectionTimeout: SEND_MS,
    greetingTimeout: SEND_MS,
    socketTimeout: SEND_MS,
    // A message is text; nothing in it may fetch a file or an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const close = (): void => transport.close();
  signal.addEventListener('abort', close);
  const late = AbortSignal.timeout(SEND_MS);
  late.addEventListener('abort', close);
  try {
    await Promise.race([
      transport.sendMail({
        from,
        to: [...to],
        ...mailText(message),
        // The same when it is sent again, so that a mail program shows it once.
        messageId: `<${encodeURIComponent(message.id)}@watari>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      }),
      aborted(AbortSignal.any([signal, late])),
    ]);
    return { got: 'taken', how: 'the relay has it' };
  } catch (err) {
    return failure(err);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void => {
      reject(new DOMException('no answer', 'TimeoutError'));
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });

/** Sign-in, encryption, the other side's storage: a person mends that, and the message goes then. */
const MENDABLE = ['EAUTH', 'ETLS', 'ENOAUTH', 'EOAUTH2'];

function failure(err: unknown): Answer {
  const code = err instanceof Error && 'code' in err ? String(err.code) : '';
  const number =
    err instanceof Error && 'responseCode' in err && typeof err.responseCode === 'number'
      ? err.responseCode
      : null;
  if (number === null)
    return {
      got: 'not-now',
      why: MENDABLE.includes(code)
        ? `the relay was not signed in to (${code})`
        : networkReason(err),
    };
  const why = `SMTP ${number}${code === '' ? '' : ` (${code})`}`;
  const isLasting = number >= 500 && !MENDABLE.includes(code);
  return isLasting ? { got: 'refused', why } : { got: 'not-now', why };
}
