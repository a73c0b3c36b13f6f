#!/usr/bin/env node
// Stands in for PowerShell where only its bytes matter: it echoes the driver's delimiters, says hello, and answers an
// operation with the bytes that its first argument asks for, in pieces.
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers';

/** What an argument looks like that tells what to answer. */
const PLAN = '=PLAN:';

const planOf = (args) =>
  JSON.parse(
    Object.values(args)
      .flat()
      .find((one) => typeof one === 'string' && one.startsWith(PLAN))
      .slice(PLAN.length),
  );

function helloLine(nonce) {
  const facts = JSON.parse(process.env.FAKE_HELLO);
  const json = JSON.stringify({ ok: true, facts, cmdlets: [], log: [] });
  const base64 = Buffer.from(json).toString('base64');
  return `<${nonce}:${base64.length}:${base64}>\n`;
}

const flushed = (stream, bytes) => new Promise((resolve) => stream.write(bytes, resolve));

async function obey(line) {
  const echo = /^\[Console\]::(Out|Error)\.WriteLine\("(.*)"\)$/.exec(line);
  if (echo !== null) {
    await flushed(echo[1] === 'Out' ? process.stdout : process.stderr, `${echo[2]}\n`);
    return;
  }
  const asked = /Invoke-WatariOperation '([^']*)'/.exec(line);
  if (asked === null) return;
  const { nonce, op, args } = JSON.parse(Buffer.from(asked[1], 'base64').toString('utf8'));
  if (op === 'hello') {
    await flushed(process.stdout, helloLine(nonce));
    return;
  }
  const { pieces, exit, flood } = planOf(args);
  for (const piece of pieces) {
    const bytes = Buffer.from(piece.replaceAll('%NONCE%', nonce), 'latin1');
    if (bytes.length > 0) await flushed(process.stdout, bytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (flood === true) await flushed(process.stdout, 'x'.repeat(65_536));
  if (typeof exit === 'number') process.exit(exit);
}

let queue = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  queue = queue.then(() => obey(line));
});
