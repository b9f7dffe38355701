import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IPanels } from '../tokens';

export const cellsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:cells',
  autoStart: true,
  requires: [IPanels],
  activate: (_app: JupyterFrontEnd, _panels: IPanels) => undefined
};
