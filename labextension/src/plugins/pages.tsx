import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IPanels } from '../tokens';

export const pagesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:pages',
  autoStart: true,
  requires: [IPanels],
  activate: (_app: JupyterFrontEnd, _panels: IPanels) => undefined
};
