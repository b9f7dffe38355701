import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification, type ICommandPalette } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';

import type { IPanels } from '../tokens';
import { attempt, copy, JobActions } from './actions';
import { showBoard } from './board';
import { Pace } from '../views/pace';
import type { PanelModel } from './model';

export const CommandIDs = {
  openPanel: 'mlmagic:open-panel',
  openJob: 'mlmagic:open-job',
  openLogs: 'mlmagic:open-logs',
  openBoard: 'mlmagic:open-board',
  compareJobs: 'mlmagic:compare-jobs',
  cancelJobs: 'mlmagic:cancel-jobs',
  rerunJobs: 'mlmagic:rerun-jobs',
  deleteJobs: 'mlmagic:delete-jobs',
  copyIds: 'mlmagic:copy-job-ids'
} as const;

const CATEGORY = 'mlmagic';

const PALETTE = Object.values(CommandIDs);

type Arguments = ReadonlyPartialJSONObject;

interface JobCommand {
  id: string;
  /** What tests know it by. */
  mark: string;
  label: (count: number) => string;
  execute: (ids: string[]) => unknown;
  isEnabled: (ids: string[]) => boolean;
}

/** Add what can be done with jobs. Without `ids` as argument a command is about those that are chosen in the panel. */
export function addJobCommands(app: JupyterFrontEnd, model: PanelModel): void {
  const targets = ({ ids }: Arguments) => (Array.isArray(ids) ? ids.map(String) : model.targets);
  for (const command of jobCommands(app, model.panels)) {
    app.commands.addCommand(command.id, {
      label: args => command.label(targets(args).length),
      isEnabled: args => command.isEnabled(targets(args)),
      execute: args => command.execute(targets(args)),
      dataset: () => ({ mlm: command.mark })
    });
  }
  // The palette asks what is enabled only when it is told that this has changed.
  const told = new Pace(async () => PALETTE.forEach(id => app.commands.notifyCommandChanged(id)), 250);
  model.changed.connect(() => told.ask());
  app.commands.addCommand(CommandIDs.openJob, {
    label: args => ('ids' in args ? 'Open' : 'Open Job…'),
    dataset: () => ({ mlm: 'action-open' }),
    execute: async args => {
      const [key] = 'ids' in args ? targets(args) : await askForJob(model.panels);
      if (key !== undefined) {
        model.panels.open({ noun: 'job', key });
      }
    }
  });
}

export function addToPalette(palette: ICommandPalette): void {
  PALETTE.forEach(command => palette.addItem({ command, category: CATEGORY }));
}

/** Open the menu of jobs where the pointer or the row is. */
export function openJobMenu(commands: CommandRegistry, ids: readonly string[], x: number, y: number): void {
  const menu = new Menu({ commands });
  const args = { ids: [...ids] };
  const add = (command: string) => menu.addItem({ command, args });
  if (ids.length === 1) {
    add(CommandIDs.openJob);
    add(CommandIDs.openLogs);
  } else {
    add(CommandIDs.compareJobs);
  }
  add(CommandIDs.openBoard);
  menu.addItem({ type: 'separator' });
  add(CommandIDs.rerunJobs);
  add(CommandIDs.cancelJobs);
  add(CommandIDs.deleteJobs);
  menu.addItem({ type: 'separator' });
  add(CommandIDs.copyIds);
  openMenu(menu, x, y);
}

/** Open a menu that is used once; the keyboard is then where it was before. */
export function openMenu(menu: Menu, x: number, y: number): void {
  const before = document.activeElement;
  menu.aboutToClose.connect(() => {
    window.setTimeout(() => {
      menu.dispose();
      if (document.activeElement === document.body && before instanceof HTMLElement) {
        before.focus({ preventScroll: true });
      }
    });
  });
  menu.open(x, y);
  menu.activeIndex = 0;
}

function jobCommands(app: JupyterFrontEnd, panels: IPanels): JobCommand[] {
  const actions = new JobActions(panels);
  const some = (ids: string[]) => ids.length > 0;
  const told = (action: string) => (count: number) => (count > 1 ? `${action} ${count} Jobs` : `${action} Job`);
  return [
    {
      id: CommandIDs.openLogs,
      mark: 'action-logs',
      label: () => 'Show Logs',
      isEnabled: ids => ids.length === 1,
      execute: ids => panels.open({ noun: 'job', key: ids[0]!, part: 'logs' })
    },
    {
      id: CommandIDs.openBoard,
      mark: 'action-board',
      label: () => 'Open in TensorBoard',
      isEnabled: some,
      execute: ids => attempt(() => showBoard(app, panels, ids))
    },
    {
      id: CommandIDs.compareJobs,
      mark: 'action-compare',
      label: told('Compare'),
      isEnabled: ids => ids.length > 1,
      execute: ids => panels.open({ noun: 'compare', key: ids.join(',') })
    },
    {
      id: CommandIDs.cancelJobs,
      mark: 'action-cancel',
      label: count => `${told('Cancel')(count)}…`,
      isEnabled: ids => actions.canCancel(ids),
      execute: ids => actions.cancel(ids)
    },
    {
      id: CommandIDs.rerunJobs,
      mark: 'action-rerun',
      label: count => (count > 1 ? `Run ${count} Jobs Again` : 'Run Again'),
      isEnabled: some,
      execute: ids => actions.rerun(ids)
    },
    {
      id: CommandIDs.deleteJobs,
      mark: 'action-delete',
      label: count => `${told('Delete')(count)}…`,
      isEnabled: ids => actions.canDelete(ids),
      execute: ids => actions.delete(ids)
    },
    {
      id: CommandIDs.copyIds,
      mark: 'action-copy',
      label: count => (count > 1 ? 'Copy Ids' : 'Copy Id'),
      isEnabled: some,
      execute: ids => copy(ids.join('\n'))
    }
  ];
}

async function askForJob(panels: IPanels): Promise<string[]> {
  const found = await attempt(() => panels.client.jobs({ limit: 100, trials: false }));
  const items = found?.jobs.map(({ summary }) => summary.id) ?? [];
  if (items.length === 0) {
    if (found !== undefined) {
      Notification.info('There are no jobs yet.', { autoClose: 4_000 });
    }
    return [];
  }
  const result = await InputDialog.getItem({ title: 'Open Job', label: 'Id of the job', items, editable: true });
  return result.button.accept && result.value ? [result.value] : [];
}
