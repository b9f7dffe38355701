import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { IStatusBar } from '@jupyterlab/statusbar';

import { AlertCount } from '../panel/alertcount';
import { AlertNotifier } from '../panel/alertnotifier';
import { addJobCommands, addToPalette, CommandIDs } from '../panel/commands';
import { panelIcon } from '../panel/icon';
import { JobCount } from '../panel/jobcount';
import { PanelModel, type Remembered, type TabName } from '../panel/model';
import { Notifier } from '../panel/notifier';
import { StatusItem } from '../panel/StatusItem';
import { PANEL_ID, PanelWidget } from '../panel/widget';
import { IPanels } from '../tokens';

const PLUGIN_ID = 'mlmagic:panel';

/** The panel at the side, the commands of jobs, the numbers in the status bar, notifications of ends of jobs and of alerts. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'The side panel of jobs, models, endpoints and datasets.',
  autoStart: true,
  requires: [IPanels],
  optional: [ICommandPalette, ILauncher, ILayoutRestorer, ISettingRegistry, IStateDB, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    panels: IPanels,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    settings: ISettingRegistry | null,
    state: IStateDB | null,
    statusBar: IStatusBar | null
  ) => {
    const model = new PanelModel(panels);
    const panel = new PanelWidget(model, app.commands);
    const openPanel = () => void app.commands.execute(CommandIDs.openPanel);
    app.commands.addCommand(CommandIDs.openPanel, {
      label: args => (args['isLauncher'] ? 'Jobs' : 'Show Jobs, Models, Endpoints and Data'),
      caption: 'What mlmagic trains, keeps and serves',
      icon: panelIcon,
      execute: () => app.shell.activateById(PANEL_ID)
    });
    addJobCommands(app, model);
    app.shell.add(panel, 'left', { rank: 610, type: 'mlmagic' });
    restorer?.add(panel, PANEL_ID);
    launcher?.add({ command: CommandIDs.openPanel, args: { isLauncher: true }, category: 'Other', rank: 10 });
    if (palette !== null) {
      addToPalette(palette);
    }
    if (statusBar !== null) {
      const show = (tab?: TabName) => {
        model.tab = tab ?? model.tab;
        openPanel();
      };
      const openJob = (key: string) => panels.open({ noun: 'job', key });
      const item = new StatusItem(new JobCount(panels), new AlertCount(panels), show, openJob);
      statusBar.registerStatusItem('mlmagic:jobs', { item, align: 'left', rank: 20 });
    }
    void remember(model, state);
    void readSettings(new Notifier(panels, openPanel), settings);
    new AlertNotifier(panels);
  }
};

/** Begin where the panel was left, and note where it is left next. */
async function remember(model: PanelModel, state: IStateDB | null): Promise<void> {
  const known = await state?.fetch(PLUGIN_ID).catch(() => undefined);
  model.recall((known ?? {}) as Partial<Remembered>);
  let noted = JSON.stringify(model.remembered);
  const note = () => {
    const now = JSON.stringify(model.remembered);
    if (now !== noted) {
      noted = now;
      void state?.save(PLUGIN_ID, { ...model.remembered });
    }
  };
  model.changed.connect(note);
  model.jobs.changed.connect(note);
}

async function readSettings(notifier: Notifier, registry: ISettingRegistry | null): Promise<void> {
  // Without settings the notifier's own are in force, such as on a page that has none.
  const settings = await registry?.load(PLUGIN_ID).catch(() => undefined);
  const read = () => {
    const seconds = settings?.get('notifyAfterSeconds').composite;
    notifier.leastSeconds = typeof seconds === 'number' ? seconds : notifier.leastSeconds;
  };
  read();
  settings?.changed.connect(read);
}
