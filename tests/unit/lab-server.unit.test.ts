// The lab's HTTP door: what it answers, whom it refuses, and that the lab goes on by itself behind it.
import http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { HypervError } from '../../hyperv/host.ts';
import { loopbackHost } from '../../lab/host.ts';
import { manualClock, scaledClock, type LabClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import type { LabState } from '../../lab/machine/state.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { startLabServer, type LabServer } from '../../lab/server.ts';
import { THREE } from './lab-fixture.ts';
import { sleep, waitFor } from '../../proof/rig/waiting.ts';

const open: LabServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(clock: LabClock = manualClock(), more = {}) {
  const lab = new Lab(parseScenario(`cluster: test\n${THREE}`, 'test.yaml'), clock);
  const server = await startLabServer(lab, { port: 0, clock, ...more });
  open.push(server);
  return { lab, url: server.url, server };
}

interface Answer {
  status: number;
  body: unknown;
}

/** Lets headers be set that fetch does not let through. */
function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const request = http.request(url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const control = (url: string, body: object): Promise<Answer> =>
  send(`${url}/control`, { method: 'POST', body: JSON.stringify(body) });

describe("the lab's door", () => {
  it('says that it is there', async () => {
    const { url } = await serve();
    expect(await send(`${url}/health`)).toMatchObject({ status: 200, body: { ok: true } });
  });

  it('tells the whole state as JSON', async () => {
    const { url } = await serve();
    const state = (await send(`${url}/state`)).body as LabState;
    expect(state.cluster).toMatchObject({ name: 'test', quorate: true });
    expect(state.nodes.map((node) => [node.name, node.power, node.state])).toEqual([
      ['HV1', 'running', 'Up'],
      ['HV2', 'running', 'Up'],
      ['HV3', 'running', 'Up'],
    ]);
    expect(state.roles.map((role) => role.name)).toEqual(['a', 'b']);
    expect(state.speed).toBe(0);
  });

  it('tells effects after a number', async () => {
    const { url } = await serve();
    await control(url, { action: 'power-off', node: 'HV2' });
    const all = (await send(`${url}/effects`)).body as { effects: { seq: number; kind: string }[] };
    expect(all.effects.map((effect) => effect.kind)).toEqual(['node-down']);
    const after = await send(`${url}/effects?after=1`);
    expect(after.body).toEqual({ effects: [] });
  });

  it('tells and steers the workers, where there are any', async () => {
    const said: string[] = [];
    const door = {
      pids: () => ({ HV1: 4711 }),
      halt: () => Promise.resolve(void said.push('halt')),
      resume: () => void said.push('resume'),
    };
    const { url } = await serve(manualClock(), { workers: () => door });
    expect((await send(`${url}/workers`)).body).toEqual({ pids: { HV1: 4711 } });
    expect((await control(url, { action: 'stop-workers' })).status).toBe(200);
    expect((await control(url, { action: 'start-workers' })).status).toBe(200);
    expect(said).toEqual(['halt', 'resume']);
    const without = await serve();
    expect((await send(`${without.url}/workers`)).body).toEqual({ pids: {} });
    expect((await control(without.url, { action: 'stop-workers' })).status).toBe(400);
  });

  it('takes a feature off a node, once, and only one that Windows knows', async () => {
    const { url, lab } = await serve();
    const remove = (feature: string) =>
      control(url, { action: 'remove-feature', node: 'HV1', feature });
    expect((await remove('hyper-v')).body).toEqual({ changed: true });
    expect((await remove('Hyper-V')).body).toEqual({ changed: false });
    expect((await remove('Hyper-Ventilation')).status).toBe(404);
    const [feature] = lab.call('HV1', 'readFeatures', { names: ['Hyper-V'] }).facts;
    expect(feature?.state).toBe('Available');
    expect(lab.effects()).toMatchObject([
      { node: 'HV1', kind: 'fault', subject: 'remove-feature', detail: 'Hyper-V' },
    ]);
  });

  it('tells the calls with what came of them', async () => {
    const { url } = await serve();
    const host = loopbackHost({ url, node: 'HV1' });
    await host.pauseNode({ node: 'HV2' });
    await host.pauseNode({ node: 'HV9' }).catch(() => null);
    const { body } = await send(`${url}/calls`);
    expect(body).toMatchObject({
      calls: [
        { node: 'HV1', op: 'pauseNode', args: { node: 'HV2' }, changed: true, error: null },
        { op: 'pauseNode', changed: null, error: { outcome: 'refused', errorId: 'BadRequest' } },
      ],
    });
  });

  it.each([
    ['an Origin, as browsers send it', { origin: 'http://127.0.0.1:7400' }],
    ['a Host that is not ours, as after DNS rebinding', { host: 'evil.example' }],
    ['a Host that only begins like ours', { host: '127.0.0.1.evil.example' }],
  ])('refuses %s', async (_what, headers) => {
    const { url, lab } = await serve();
    const body = JSON.stringify({ action: 'crash', node: 'HV1' });
    const answer = await send(`${url}/control`, { method: 'POST', headers, body });
    expect(answer.status).toBe(403);
    expect(lab.effects()).toEqual([]);
  });

  it('answers to a further name that it was given', async () => {
    const { url } = await serve(manualClock(), { names: ['lab'] });
    expect((await send(`${url}/health`, { headers: { host: 'lab:7400' } })).status).toBe(200);
  });

  it('refuses more than a megabyte', async () => {
    const { url } = await serve();
    const body = JSON.stringify({ action: 'x'.repeat(1024 * 1024) });
    const answer = await send(`${url}/control`, { method: 'POST', body });
    expect(answer.status).toBe(413);
    expect((await send(`${url}/health`)).status).toBe(200);
  });

  it.each([
    ['/nodes/HV1/readHost', '[]', 400],
    ['/nodes/HV1/readHost', 'not json', 400],
    ['/nodes/HV1/constructor', '{}', 404],
    ['/nodes/HV1/%ZZ', '{}', 400],
    ['/nothing', '{}', 404],
    ['/control', '{"action":"explode"}', 400],
    ['/control', '{"action":"crash","node":"HV9"}', 404],
    ['/control', '{"action":"add-fault","fault":{"on":"startMov"}}', 400],
    ['/control', '{"action":"add-fault","fault":{"on":"readHost","node":"HV9"}}', 400],
  ])('refuses POST %s %s with %d and says why', async (path, body, status) => {
    const { url } = await serve();
    const answer = await send(`${url}${path}`, { method: 'POST', body });
    expect(answer.status).toBe(status);
    const { error } = answer.body as { error: { message: string } };
    expect(error.message.length).toBeGreaterThan(10);
  });

  it('refuses arguments that an operation does not take, as PowerShell would', async () => {
    const { url } = await serve();
    const host = loopbackHost({ url, node: 'HV1' });
    const wrong = { node: 'HV2', vmId: 'x' };
    await expect(host.startMove(wrong)).rejects.toMatchObject({
      info: { outcome: 'refused', errorId: 'BadRequest' },
    });
  });

  it('adds and clears faults', async () => {
    const { url } = await serve();
    const host = loopbackHost({ url, node: 'HV1' });
    await control(url, { action: 'add-fault', fault: { on: 'readHost', error: { errorId: 'X' } } });
    await expect(host.readHost({})).rejects.toMatchObject({ info: { errorId: 'X' } });
    const fault = { on: 'readHost', times: 'always', error: { errorId: 'X' } };
    await control(url, { action: 'add-fault', fault });
    expect((await control(url, { action: 'clear-faults' })).body).toMatchObject({ cleared: 1 });
    expect((await host.readHost({})).facts.node).toBe('HV1');
  });

  it('moves a manual clock, and no other', async () => {
    const { url, lab } = await serve();
    const before = lab.state().now;
    await control(url, { action: 'advance', seconds: 90 });
    expect(Date.parse(lab.state().now) - Date.parse(before)).toBe(90_000);
    const running = await serve(scaledClock(10, Date.now));
    expect((await control(running.url, { action: 'advance', seconds: 1 })).status).toBe(400);
  });

  it('lets things happen on time although nobody asks', async () => {
    const { lab } = await serve(scaledClock(500, Date.now));
    const up = new Promise((resolve) =>
      lab.onNodeChange((change) => {
        if (change.up) resolve(change.node);
      }),
    );
    lab.crash('HV2');
    // 60 simulated seconds of boot are 120 ms.
    await expect(up).resolves.toBe('HV2');
  });

  it('gives a hanging answer when its time has come', async () => {
    const clock = manualClock();
    const { url, lab } = await serve(clock);
    await control(url, { action: 'add-fault', fault: { on: 'readHost', hangSeconds: 30 } });
    const host = loopbackHost({ url, node: 'HV1' });
    const state = { answered: false };
    const answer = host.readHost({}).then(({ facts }) => {
      state.answered = true;
      return facts.node;
    });
    await waitFor('the call', () => lab.calls().length === 1);
    clock.advance(29_000);
    await sleep(20);
    expect(state.answered).toBe(false);
    clock.advance(1000);
    expect(await answer).toBe('HV1');
  });

  it('stops when it is told to', async () => {
    const stopped = new Promise<void>((resolve) => {
      void serve(manualClock(), { onStop: resolve }).then(({ url }) =>
        control(url, { action: 'stop' }),
      );
    });
    await stopped;
  });
});

describe('a host of a lab that is gone', () => {
  it.each(['http://127.0.0.1:1', 'http://lab.invalid'])(
    'does not know what came of it (%s)',
    async (url) => {
      const error = await loopbackHost({ url, node: 'HV1' })
        .pauseNode({ node: 'HV2' })
        .then(
          () => null,
          (e: unknown) => e as HypervError,
        );
      expect(error?.info).toEqual({ op: 'pauseNode', node: 'HV1', outcome: 'unknown' });
      expect(error?.message).toContain(url);
    },
  );

  it('does not know what came of a call whose answer was cut off', async () => {
    const { url, server, lab } = await serve();
    await control(url, { action: 'add-fault', fault: { on: 'readHost', hangSeconds: 30 } });
    const asked = loopbackHost({ url, node: 'HV1' }).readHost({});
    const outcome = expect(asked).rejects.toMatchObject({ info: { outcome: 'unknown' } });
    await waitFor('the call', () => lab.calls().length === 1);
    await server.close();
    await outcome;
  });

  it('does not take somebody else on the port for a lab', async () => {
    const other = http.createServer((_request, response) => response.end('<html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const host = loopbackHost({ url: `http://127.0.0.1:${port}`, node: 'HV1' });
    await expect(host.readHost({})).rejects.toMatchObject({ info: { outcome: 'unknown' } });
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });
});
