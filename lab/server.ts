// The lab's HTTP door: node operations, state, effects and control as JSON on the loopback interface. It also wakes
// the lab when something is due, so that worker processes live and die on time although nobody asks.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { spelledOut } from '../domain/steering.ts';
import { HypervError, OPS, type HypervErrorInfo, type Op } from '../hyperv/host.ts';
import type { LabReply } from './host.ts';
import type { LabClock, ManualClock } from './machine/clock.ts';
import type { Lab } from './machine/lab.ts';
import { keepAwake } from './machine/waker.ts';
import { disturbanceSchema } from './powershell/disturbance.ts';
import { cmdletRequestSchema, PowerShellDoor } from './powershell/door.ts';
import { checkFault } from './scenario/checks.ts';
import { faultSchema } from './scenario/fault-schema.ts';
import { SECONDS_MAX } from './scenario/values.ts';

/** More than any snapshot of 16 nodes, less than what could hurt. */
const BODY_BYTES_MAX = 1024 * 1024;

export interface LabServerOptions {
  /** 0: any free port. */
  port: number;
  host?: string;
  clock: LabClock;
  /** Names beside localhost that clients may call this computer by: `lab` in a container network. */
  names?: string[];
  /** POST /control {action: 'stop'}. */
  onStop?: () => void;
  /** The worker processes of this lab; absent or undefined: it has none. */
  workers?: () => WorkersDoor | undefined;
  /** Default: one of its own. */
  powershell?: PowerShellDoor;
}

/** What can be asked about the workers from outside. */
export interface WorkersDoor {
  pids(): Record<string, number>;
  halt(): Promise<void>;
  resume(): void;
}

export interface LabServer {
  url: string;
  close(): Promise<void>;
}

/** A request that cannot be served; the message goes to whoever sent it. */
class BadRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const nodeAction = z.strictObject({
  action: z.enum(['power-on', 'power-off', 'crash']),
  node: z.string(),
});
const control = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('add-fault'), fault: faultSchema }),
  z.strictObject({ action: z.literal('clear-faults') }),
  z.strictObject({ action: z.literal('disturb'), disturbance: disturbanceSchema }),
  z.strictObject({
    action: z.literal('advance'),
    seconds: z.number().nonnegative().max(SECONDS_MAX),
  }),
  z.strictObject({ action: z.literal('remove-feature'), node: z.string(), feature: z.string() }),
  z.strictObject({
    action: z.literal('shift-clock'),
    node: z.string(),
    seconds: z.number().min(-SECONDS_MAX).max(SECONDS_MAX),
  }),
  z.strictObject({ action: z.enum(['stop-workers', 'start-workers']) }),
  z.strictObject({ action: z.literal('stop') }),
]);

const isManual = (clock: LabClock): clock is ManualClock => 'advance' in clock;

export async function startLabServer(lab: Lab, options: LabServerOptions): Promise<LabServer> {
  const { port, host = '127.0.0.1', clock } = options;
  const door = new Door(lab, options);
  const server = http.createServer((request, response) => {
    void door.serve(request, response);
  });
  // Clients keep their connections for as long as a worker may be idle.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const sleep = keepAwake(lab, clock);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        sleep();
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

class Door {
  private readonly lab: Lab;
  private readonly options: LabServerOptions;
  private readonly powershell: PowerShellDoor;

  constructor(lab: Lab, options: LabServerOptions) {
    this.lab = lab;
    this.options = options;
    this.powershell = options.powershell ?? new PowerShellDoor(lab);
  }

  private get workers(): WorkersDoor | undefined {
    return this.options.workers?.();
  }

  async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      refuseBrowsers(request, this.options.names ?? []);
      const url = addressOf(request.url ?? '/');
      const answer = await this.route(request, url);
      send(response, 200, answer);
    } catch (error) {
      const status = error instanceof BadRequest ? error.status : 500;
      const message = error instanceof Error ? error.message : String(error);
      // Part of a refused body may still be on its way.
      if (status === 413) response.setHeader('connection', 'close');
      send(response, status, { error: { message: shownOf(message) } });
    }
  }

  private async route(request: http.IncomingMessage, url: URL): Promise<unknown> {
    const parts = url.pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decode);
    const [first, node, op] = parts;
    const key = `${request.method ?? ''} ${first ?? ''} ${parts.length}`;
    switch (key) {
      case 'GET health 1':
        return { ok: true, pid: process.pid };
      case 'GET state 1':
        return this.lab.state();
      case 'GET effects 1':
        return { effects: this.lab.effects(afterOf(url)) };
      case 'GET calls 1':
        return { calls: this.lab.calls() };
      case 'GET workers 1':
        return { pids: this.workers?.pids() ?? {} };
      case 'GET cmdlets 1':
        return { cmdlets: this.powershell.cmdlets(afterOf(url)) };
      case 'POST cmdlets 1':
        return this.cmdlet(await readJson(request));
      case 'POST control 1':
        return this.control(await readJson(request));
      case 'POST nodes 3':
        return this.ask(node ?? '', op ?? '', await readJson(request));
      default:
        throw new BadRequest(404, `The lab has no ${request.method ?? ''} ${url.pathname}.`);
    }
  }

  private async ask(node: string, op: string, args: unknown): Promise<LabReply> {
    const known = OPS.find((name) => name === op);
    if (known === undefined)
      throw new BadRequest(404, `'${op}' is not an operation; known: ${OPS.join(', ')}.`);
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      throw new BadRequest(400, 'The arguments of an operation are one JSON object.');
    try {
      // The lab checks the arguments itself, as strictly as PowerShell would.
      return { reply: await this.lab.answer<Op>(node, known, args) };
    } catch (error) {
      if (!(error instanceof HypervError)) throw error;
      const info: HypervErrorInfo = error.info;
      return { error: { message: error.message, info } };
    }
  }

  /** One call of a stand-in cmdlet. One that hangs is never answered; closing the server ends it. */
  private async cmdlet(body: unknown): Promise<unknown> {
    const checked = cmdletRequestSchema.safeParse(body);
    if (!checked.success) throw new BadRequest(400, z.prettifyError(checked.error));
    const reply = await this.powershell.cmdlet(checked.data);
    return reply ?? new Promise(() => undefined);
  }

  private control(body: unknown): unknown {
    const power = nodeAction.safeParse(body);
    if (power.success) return { changed: found(() => this.power(power.data)) };
    const checked = control.safeParse(body);
    if (!checked.success) throw new BadRequest(400, z.prettifyError(checked.error));
    const asked = checked.data;
    const { clock } = this.options;
    switch (asked.action) {
      case 'clear-faults':
        return { changed: true, cleared: this.lab.clearFaults() };
      case 'disturb':
        this.powershell.disturb(asked.disturbance);
        return { changed: true };
      case 'add-fault': {
        const [problem] = checkFault(asked.fault, this.lab.knownNames(), []);
        if (problem !== undefined) throw new BadRequest(400, problem.message);
        this.lab.addFault(asked.fault);
        return { changed: true };
      }
      case 'advance':
        if (!isManual(clock))
          throw new BadRequest(400, "This lab's clock runs by itself; only a manual one is moved.");
        clock.advance(asked.seconds * 1000);
        this.lab.advance();
        return { changed: true };
      case 'remove-feature':
        return { changed: found(() => this.lab.removeFeature(asked.node, asked.feature)) };
      case 'shift-clock':
        return { changed: found(() => this.lab.shiftClock(asked.node, asked.seconds)) };
      case 'stop-workers':
      case 'start-workers':
        return this.letWorkers(asked.action);
      case 'stop':
        setImmediate(() => this.options.onStop?.());
        return { changed: true };
    }
  }

  private async letWorkers(action: 'stop-workers' | 'start-workers'): Promise<unknown> {
    const { workers } = this;
    if (workers === undefined) throw new BadRequest(400, 'This lab was started without --workers.');
    if (action === 'stop-workers') await workers.halt();
    else workers.resume();
    return { changed: true };
  }

  private power({ action, node }: z.output<typeof nodeAction>): boolean {
    if (action === 'power-on') return this.lab.powerOn(node);
    return action === 'power-off' ? this.lab.powerOff(node) : this.lab.crash(node);
  }
}

/** Does something to a node or to something on it, which may not be there. */
function found(deed: () => boolean): boolean {
  try {
    return deed();
  } catch (error) {
    if (error instanceof RangeError) throw new BadRequest(404, error.message);
    throw error;
  }
}

const MESSAGE_CHARS_MAX = 2000;

/** What was sent comes back in the message, and the lab's commands write it to a terminal. */
const shownOf = (message: string): string =>
  message.slice(0, MESSAGE_CHARS_MAX).split('\n').map(spelledOut).join('\n');

function addressOf(text: string): URL {
  const base = 'http://lab';
  if (!URL.canParse(text, base)) throw new BadRequest(400, 'This is not an address of the lab.');
  return new URL(text, base);
}

/** Number of the last one that the asker knows. */
function afterOf(url: URL): number {
  const after = Number(url.searchParams.get('after') ?? 0);
  if (Number.isFinite(after)) return after;
  throw new BadRequest(400, "'after' must be a number.");
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new BadRequest(400, `'${part}' is not a part of an address.`);
  }
}

/**
 * A page in somebody's browser must not reach the lab: it sends an Origin, and a name that was rebound to 127.0.0.1
 * still shows in Host.
 */
function refuseBrowsers(request: http.IncomingMessage, names: string[]): void {
  if (request.headers.origin !== undefined)
    throw new BadRequest(403, 'The lab does not answer browsers.');
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const local = request.socket.localAddress ?? '';
  const own = [
    '127.0.0.1',
    'localhost',
    '[::1]',
    local.replace(/^::ffff:/, ''),
    `[${local}]`,
    ...names,
  ];
  if (!own.includes(host.toLowerCase()))
    throw new BadRequest(403, `The lab does not answer to the name '${host}'.`);
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new BadRequest(413, 'The request is larger than 1 MB.');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new BadRequest(400, 'The request is not JSON.');
  }
}

function send(response: http.ServerResponse, status: number, body: unknown): void {
  const text = Buffer.from(JSON.stringify(body), 'utf8');
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': text.length,
  });
  response.end(text);
}
