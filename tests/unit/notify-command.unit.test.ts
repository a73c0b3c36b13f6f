// `watari notify`: what it prints of the settings and of what channels answer, its exit codes, and never a secret.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../../client/program.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';
import { fakeContext, fakeTerminal } from '../support/client-fakes.ts';
import { messageServer } from '../support/notify.ts';

const ends = endsWithTest();
const PLANTED = 'planted-secret-4711';

async function watari(yaml: string, ...words: string[]) {
  const folder = temporaryFolder('watari-notify-', ends);
  const file = path.join(folder, 'notify.yaml');
  fs.writeFileSync(file, yaml, { mode: 0o600 });
  const terminal = fakeTerminal();
  const code = await runCli(['notify', ...words, '--file', file], {
    terminal,
    context: () => fakeContext({ cwd: folder, terminal, computer: 'HV1' }),
    debug: true,
  });
  const [out, err] = [terminal.stdout.text(), terminal.stderr.text()];
  for (const text of [out, err]) expect(text).not.toContain(PLANTED);
  return { code, out, err };
}

const hook = (channel: string, url: string): string =>
  `  - { channel: ${channel}, kind: webhook, url: '${url}/${PLANTED}', key: '${PLANTED}' }\n`;

it('shows the settings without their secrets', async () => {
  const yaml = `notify:\n${hook('ops', 'https://hook.example')}  - { channel: mail, kind: mail, host: relay.example, user: watari, password: '${PLANTED}', from: a@b.example, to: [c@d.example] }\n`;
  const { code, out } = await watari(yaml, 'show');
  expect(code).toBe(0);
  expect(out).toContain('ops  webhook  hook.example  url [hidden], key [hidden]');
  expect(out).toContain('c@d.example by relay.example:587, starttls  watari, password [hidden]');
  const json = await watari(yaml, 'show', '--json');
  expect(JSON.parse(json.out)).toMatchObject({
    channels: [{ channel: 'ops' }, { channel: 'mail' }],
  });
});

it('sends a test through each channel and says what answered; one that fails is exit code 1', async () => {
  const well = ends(await messageServer({ status: 200 }));
  const down = ends(await messageServer({ status: 500, body: PLANTED }));
  const yaml = `notify:\n${hook('well', well.url)}${hook('down', down.url)}`;
  const both = await watari(yaml, 'test', '--cluster', 'hv-lab');
  expect(both.code).toBe(1);
  expect(both.out).toContain('well (webhook): taken (HTTP 200). Look whether it has arrived');
  expect(both.out).toContain('down (webhook): not taken now: HTTP 500');
  expect(JSON.parse(well.taken[0]?.body ?? '')).toMatchObject({
    type: 'watari.test',
    data: { title: '[hv-lab] Test of watari' },
  });
  const one = await watari(yaml, 'test', 'well', '--json');
  expect(one.code).toBe(0);
  expect(JSON.parse(one.out)).toEqual({
    results: [{ channel: 'well', kind: 'webhook', got: 'taken', how: 'HTTP 200' }],
  });
});

it('names the channels that there are when another is asked for', async () => {
  const { code, err } = await watari(`notify:\n${hook('ops', 'https://x.example')}`, 'test', 'op');
  expect(code).toBe(2);
  expect(err).toContain('has no channel "op"');
  expect(err).toContain('There is: ops.');
});

it('tells a mistake with its line, exit code 2, without the secret that stands there', async () => {
  const { code, err } = await watari(`notify:\n${hook('ops', 'http://x.example')}`, 'show');
  expect(code).toBe(2);
  expect(err).toMatch(/notify\.yaml:2:\d+ notify\[0\]\.url: is not https/);
});
