import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IPanels } from '../tokens';

export const nounPagesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:nounpages',
  autoStart: true,
  requires: [IPanels],
  activate: (_app: JupyterFrontEnd, _panels: IPanels) => undefined
};
