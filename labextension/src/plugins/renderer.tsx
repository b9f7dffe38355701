import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IPanels } from '../tokens';

export const rendererPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:renderer',
  autoStart: true,
  requires: [IPanels],
  activate: (_app: JupyterFrontEnd, _panels: IPanels) => undefined
};
