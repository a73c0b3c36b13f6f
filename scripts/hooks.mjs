// `npm run hooks`: from now on git runs `npm run check` before every commit of this checkout; `npm run hooks -- --off`
// ends that. Nobody is forced, and `git commit --no-verify` passes it by.
import { spawnSync } from 'node:child_process';

const FOLDER = 'scripts/hooks';

const git = (...args) => {
  const done = spawnSync('git', args, { encoding: 'utf8', windowsHide: true });
  return {
    ok: done.status === 0,
    text: (done.stdout ?? '').trim(),
    why: done.stderr ?? String(done.error),
  };
};

function fail(text) {
  console.error(text);
  process.exit(1);
}

const words = process.argv.slice(2);
if (words.some((word) => word !== '--off')) fail('Usage: npm run hooks [-- --off]');
if (!git('rev-parse', '--git-dir').ok)
  fail('This is no checkout of git, so there is nothing to hook into.');
const known = git('config', '--get', 'core.hooksPath').text;
if (known !== '' && known !== FOLDER) {
  fail(
    `git takes its hooks from ${known} here (core.hooksPath), and that stays so.\nRun "npm run check" from a hook of yours instead.`,
  );
}
if (words.includes('--off')) {
  if (known === FOLDER) git('config', '--unset', 'core.hooksPath');
  console.log('git runs no check before a commit.');
} else {
  const set = git('config', 'core.hooksPath', FOLDER);
  if (!set.ok) fail(`git does not take the setting: ${set.why}`);
  console.log('git runs "npm run check" before every commit. Off again: npm run hooks -- --off');
}
