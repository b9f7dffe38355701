import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';

import { NounPage, readReference, type PageNoun } from '../nounpages/NounPage';
import { IPanels } from '../tokens';

const WORDS: Readonly<Record<PageNoun, string>> = { model: 'Model', endpoint: 'Endpoint', dataset: 'Dataset' };

export const nounPagesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:nounpages',
  description: 'The pages of models, endpoints and datasets.',
  autoStart: true,
  requires: [IPanels],
  activate: (app: JupyterFrontEnd, panels: IPanels) => {
    panels.pageRequested.connect((_, { noun, key }) => {
      if (noun in WORDS) {
        openPage(app, panels, noun as PageNoun, key);
      }
    });
  }
};

function openPage(app: JupyterFrontEnd, panels: IPanels, noun: PageNoun, key: string): void {
  const { name, version } = readReference(key);
  const id = `mlmagic-${noun}-${name}`;
  const open = [...app.shell.widgets('main')].find(widget => widget.id === id);
  if (open instanceof MainAreaWidget && open.content instanceof NounPage) {
    open.content.showVersion(version);
  } else {
    const content = new NounPage(panels, noun, name, () => widget.dispose());
    const widget = new MainAreaWidget({ content });
    widget.id = id;
    content.showVersion(version);
    widget.title.label = `${WORDS[noun]}: ${name}`;
    widget.title.closable = true;
    app.shell.add(widget, 'main');
  }
  app.shell.activateById(id);
}
