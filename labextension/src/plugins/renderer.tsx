import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { BoardOutput } from '../renderer/boardOutput';
import { JobOutput } from '../renderer/jobOutput';
import { BOARD_TYPE, JOB_TYPES, TYPES } from '../renderer/saved';
import { StaticOutput } from '../renderer/staticOutput';
import { IPanels } from '../tokens';

/** Before HTML, and before the widget that the same output holds for front ends without this extension. */
const RANK = -1;

export const rendererPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:renderer',
  description: 'Shows what mlmagic displays in notebooks; jobs as they go on.',
  autoStart: true,
  requires: [IPanels],
  optional: [IRenderMimeRegistry],
  activate: (_app: JupyterFrontEnd, panels: IPanels, registry: IRenderMimeRegistry | null) =>
    registry?.addFactory(factoryOf(panels), RANK)
};

function factoryOf(panels: IPanels): IRenderMime.IRendererFactory {
  return {
    // Nothing is shown that the allow-list of the mount does not name, so untrusted notebooks show it, too.
    safe: true,
    mimeTypes: TYPES,
    createRenderer: ({ mimeType }) => rendererOf(panels, mimeType)
  };
}

function rendererOf(panels: IPanels, mimeType: string): IRenderMime.IRenderer {
  if (JOB_TYPES.includes(mimeType)) {
    return new JobOutput(panels, mimeType);
  }
  return mimeType === BOARD_TYPE ? new BoardOutput(panels) : new StaticOutput();
}
