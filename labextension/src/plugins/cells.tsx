import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ToolbarButton } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';

import { Badges } from '../cells/badges';
import { CellJump } from '../cells/jump';
import { CommandIDs } from '../panel/commands';
import { panelIcon } from '../panel/icon';
import { IPanels } from '../tokens';

export const cellsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:cells',
  description: 'The state of the last job below its cell, ways from jobs to cells, and from notebooks to the panel.',
  autoStart: true,
  requires: [IPanels],
  optional: [INotebookTracker, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    panels: IPanels,
    tracker: INotebookTracker | null,
    documents: IDocumentManager | null
  ) => {
    if (tracker === null) {
      return;
    }
    const localPath = (path: string) => documents?.services.contents.localPath(path) ?? path;
    const onNotebook = (notebook: NotebookPanel) => {
      new Badges(panels, notebook, localPath);
      addPanelButton(app, notebook);
    };
    tracker.forEach(onNotebook);
    tracker.widgetAdded.connect((_, notebook) => onNotebook(notebook));
    const jump = new CellJump(tracker, documents, id => app.shell.activateById(id));
    panels.cellRequested.connect((_, place) => void jump.show(place));
  }
};

/** Let the panel be opened from where the work is; not where another front end has no such panel. */
function addPanelButton(app: JupyterFrontEnd, notebook: NotebookPanel): void {
  void app.started.then(() => {
    if (app.commands.hasCommand(CommandIDs.openPanel) && !notebook.isDisposed) {
      const button = new ToolbarButton({
        icon: panelIcon,
        label: 'Jobs',
        tooltip: 'Show the jobs, models, endpoints and data of mlmagic',
        className: 'mlm-toolbar-button',
        onClick: () => void app.commands.execute(CommandIDs.openPanel)
      });
      notebook.toolbar.insertBefore('spacer', 'mlmagic', button);
    }
  });
}
