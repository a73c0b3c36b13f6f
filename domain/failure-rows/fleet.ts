// Part of the failure table: what keeps a node from being emptied or maintained. Read through failures.ts only.
import type { FailureRow } from './row.ts';

export const FLEET_FAILURE_ROWS = {
  NoPlan: {
    class: 'operator',
    title: 'there is no way to move everything off the node',
    hint: 'Do what the message says would help, then retry: the plan is made anew.',
  },
  FactsChanged: {
    class: 'operator',
    title: 'the cluster is not what it was when the plan was made',
    hint: 'Make the plan anew and read it again; nothing has been moved.',
  },
  OthersNotUp: {
    class: 'retry-then-operator',
    title: 'another node of the cluster is not Up',
    hint: 'Bring it back first (Get-ClusterNode, Resume-ClusterNode, Start-ClusterNode), then retry.',
  },
  NodeNotEmpty: {
    class: 'retry-then-operator',
    title: 'something is still on the node that was to be emptied',
    hint: 'Get-ClusterGroup shows what. Move it, or retry: what came meanwhile is moved as well.',
  },
  DrainFailed: {
    class: 'operator',
    title: 'a node could not be emptied, which ends a maintenance that asks nobody',
    hint:
      'Nothing is forced: the node was resumed and no other one was touched. Look at its run for the VM that stays, ' +
      'mend that, then start the maintenance of the rest.',
  },
  PauseOfOthers: {
    class: 'operator',
    title: 'no drain of watari has paused the node',
    hint:
      'Whoever paused it may still work on it. Ask, then resume it with Resume-ClusterNode or ' +
      'watari node resume NODE --force.',
  },
  PersonAtWork: {
    class: 'operator',
    title: 'the node is empty and waits for the work of a person',
    hint: 'Do your work on the node, restart it if you like, then retry: the run goes on from there.',
  },
  CanaryNotWell: {
    class: 'operator',
    title: 'the first node has not run well since its maintenance',
    hint:
      'Look at the System log of the node. Retry to go on watching it, skip to go on with the other nodes, ' +
      'abort to leave them as they are.',
  },
  StartedTooLate: {
    class: 'operator',
    title: 'no worker took the scheduled run in time, so it was not begun',
    hint:
      'Look why the workers of the cluster were away (watari worker status on a node). To make up for it ' +
      'now: watari schedule run-now NAME.',
  },
  ScriptNotAllowed: {
    class: 'operator',
    title: 'the node has no such script that may be run',
    hint:
      "Put the script into the folder that WATARI_SCRIPTS names in the settings of the node's " +
      'worker, or set it there and restart the worker. Then retry.',
  },
  ScriptFailed: {
    class: 'operator',
    title: 'the script ended with an exit code other than 0',
    hint: 'Look at what it wrote, mend the cause, then retry: it is run again from its beginning.',
  },
} as const satisfies Record<string, FailureRow>;
