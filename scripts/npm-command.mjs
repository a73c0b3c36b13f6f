// npm as arguments of node itself: on Windows npm is a .cmd, which cannot be started without a shell. For scripts that
// install and fetch; uses nothing but Node, as they do before anything is installed.
import fs from 'node:fs';
import path from 'node:path';

export function npmCommand() {
  const home = path.dirname(process.execPath);
  const candidates = [
    process.env.npm_execpath,
    path.join(home, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    path.join(home, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const cli = candidates.find((file) => file && /npm-cli\.c?js$/.test(file) && fs.existsSync(file));
  return cli ? [process.execPath, cli] : ['npm'];
}
