import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IPanels } from '../tokens';

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:panel',
  autoStart: true,
  requires: [IPanels],
  activate: (_app: JupyterFrontEnd, _panels: IPanels) => undefined
};
