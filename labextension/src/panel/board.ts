import type { JupyterFrontEnd } from '@jupyterlab/application';
import { IFrame, MainAreaWidget } from '@jupyterlab/apputils';

import type { IPanels } from '../tokens';
import type { BoardRow } from '../types';

const SANDBOX: IFrame.SandboxExceptions[] = ['allow-scripts', 'allow-same-origin', 'allow-downloads', 'allow-popups'];

/** Show TensorBoard over jobs: in the main area where that holds several widgets, else in a tab of the browser. */
export async function showBoard(app: JupyterFrontEnd, panels: IPanels, jobs: readonly string[]): Promise<void> {
  if (app.name === 'JupyterLab') {
    showInMainArea(app, panels, await panels.client.openBoard(jobs));
  } else {
    // Once a request was waited for, a browser takes a new tab for an advertisement.
    const tab = window.open('', '_blank');
    if (tab === null) {
      throw new Error('The browser keeps this page from opening a tab. Allow it to, and try again.');
    }
    try {
      const address = panels.client.address((await panels.client.openBoard(jobs)).path);
      tab.location.replace(address);
    } catch (error) {
      tab.close();
      throw error;
    }
  }
}

function showInMainArea(app: JupyterFrontEnd, panels: IPanels, board: BoardRow): void {
  const id = `mlmagic-board-${board.key}`;
  const known = [...app.shell.widgets('main')].find(widget => widget.id === id);
  if (known === undefined) {
    const content = new IFrame({ sandbox: SANDBOX, loading: 'lazy' });
    content.url = panels.client.address(board.path);
    content.title.label = `TensorBoard: ${board.title}`;
    content.title.closable = true;
    const widget = new MainAreaWidget({ content });
    widget.id = id;
    app.shell.add(widget, 'main');
  }
  app.shell.activateById(id);
}
