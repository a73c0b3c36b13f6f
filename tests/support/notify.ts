// What tests of messages to people hand in: a piece of news, servers that take messages or do not, and a mail relay
// that knows just enough of SMTP.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { messageOf, type Message } from '../../domain/message.ts';
import type { News } from '../../domain/news.ts';

export const NEED: News = {
  seq: 7,
  id: '0198-run/needs/vm/web-1/move/2',
  kind: 'needs',
  at: '2026-12-01T09:00:00.000Z',
  run: 'watari/hv-lab/vm/web-1/migrate',
  runId: '0198-run',
  title: 'Move web-1 to HV2',
  step: 'vm/web-1/move',
  code: 'NodeNotServed',
  skippable: true,
  text: 'No worker took moveVm within its time.',
  outcome: null,
};

export const PLACE = { ui: 'https://ui.example/', namespace: 'ops' };

export const messageAbout = (o: Partial<News> = {}, cluster = 'hv-lab'): Message =>
  messageOf({ ...NEED, ...o }, cluster, PLACE);

export interface Taken {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** Answers in turn what `replies` says, the last one for ever; `never` leaves the request open. */
export async function messageServer(...replies: (Reply | 'never')[]): Promise<{
  url: string;
  taken: Taken[];
  answer: (...next: (Reply | 'never')[]) => void;
  close: () => Promise<void>;
}> {
  let queue = replies.length === 0 ? [{ status: 200 }] : replies;
  const taken: Taken[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      taken.push({ path: request.url ?? '', headers: request.headers, body });
      const reply = queue[0] ?? { status: 200 };
      if (queue.length > 1) queue = queue.slice(1);
      if (reply === 'never') return;
      response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
    });
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    taken,
    answer: (...next) => {
      queue = next;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface MailTaken {
  from: string;
  to: string[];
  data: string;
  signedIn: string | null;
}

/** @param answers what it says to a command instead, by its first word: `{ AUTH: '535 no' }`. */
export async function mailRelay(answers: Record<string, string> = {}): Promise<{
  port: number;
  taken: MailTaken[];
  close: () => Promise<void>;
}> {
  const taken: MailTaken[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    const say = (line: string): boolean => socket.write(`${line}\r\n`);
    let mail: MailTaken = { from: '', to: [], data: '', signedIn: null };
    let inData = false;
    let rest = '';
    const heed = (line: string): void => {
      if (inData) {
        if (line !== '.') mail.data += `${line}\n`;
        else {
          inData = false;
          taken.push(mail);
          mail = { from: '', to: [], data: '', signedIn: mail.signedIn };
          say('250 taken');
        }
        return;
      }
      const word = (/^[A-Z]+/i.exec(line)?.[0] ?? '').toUpperCase();
      const instead = answers[word];
      if (instead !== undefined) say(instead);
      else if (word === 'STARTTLS') say('502 not here');
      else if (word === 'EHLO') say('250-relay\r\n250 AUTH PLAIN');
      else if (word === 'AUTH') {
        mail.signedIn = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString('utf8');
        say('235 welcome');
      } else if (word === 'MAIL') {
        mail.from = line;
        say('250 ok');
      } else if (word === 'RCPT') {
        mail.to.push(line);
        say('250 ok');
      } else if (word === 'DATA') {
        inData = true;
        say('354 go on');
      } else if (word === 'QUIT') {
        say('221 bye');
        socket.end();
      } else say('250 ok');
    };
    say('220 relay');
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      lines.forEach(heed);
    });
  });
  const port = await listening(server);
  return {
    port,
    taken,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** A port of the loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
