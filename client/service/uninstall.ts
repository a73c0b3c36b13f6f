// `watari worker uninstall`: ends the worker of this computer in good order and takes its registration away. Settings,
// certificates and logs stay.
import { release } from '../../config/service-files.ts';
import { endWorker, ourTasks, type Ending, type ServiceComputer } from './computer.ts';
import { checkRights } from './install.ts';
import { stopFileOf } from './registration.ts';

export interface Uninstalled {
  removed: { task: string; worker: Ending }[];
}

export async function uninstallWorker(computer: ServiceComputer): Promise<Uninstalled> {
  const { tasks } = computer;
  await checkRights(computer, 'removes a task');
  const removed: Uninstalled['removed'] = [];
  for (const task of ourTasks(await tasks.tasks())) {
    const worker = await endWorker(computer, task);
    await tasks.unregister(task.name);
    const stopFile = stopFileOf(task);
    if (stopFile !== null) release(stopFile);
    removed.push({ task: task.name, worker });
  }
  return { removed };
}
