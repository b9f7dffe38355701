import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { NounPage, readReference, type PageNoun } from '../nounpages/NounPage';
import { panelIcon } from '../panel/icon';
import { IPanels } from '../tokens';

const COMMAND = 'mlmagic:show-noun';

const WORDS: Readonly<Record<PageNoun, string>> = { model: 'Model', endpoint: 'Endpoint', dataset: 'Dataset' };

type Page = MainAreaWidget<NounPage>;

/** One page for each model, endpoint and dataset, in the main area, or beside a notebook that takes all of it. */
class NounPages {
  readonly tracker = new WidgetTracker<Page>({ namespace: 'mlmagic-nouns' });
  private readonly _hasTabs: boolean;

  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _panels: IPanels
  ) {
    this._hasTabs = _app.name === 'JupyterLab';
  }

  show(noun: PageNoun, key: string): void {
    const { name, version } = readReference(key);
    const id = `mlmagic-${noun}-${name}`;
    const page = this.tracker.find(known => known.id === id) ?? this._make(noun, name, id);
    page.content.showVersion(version);
    this._app.shell.activateById(id);
  }

  private _make(noun: PageNoun, name: string, id: string): Page {
    if (!this._hasTabs) {
      // Notebook 7 has room for one page beside the notebook, and no way to close it.
      this.tracker.filter(() => true).forEach(other => other.dispose());
    }
    const content = new NounPage(this._panels, noun, name, () => page.dispose());
    const page = new MainAreaWidget({ content });
    page.id = id;
    page.title.label = `${WORDS[noun]}: ${name}`;
    page.title.icon = panelIcon;
    page.title.closable = true;
    page.toolbar.hide();
    this._app.shell.add(page, this._hasTabs ? 'main' : 'right', { type: 'mlmagic-noun' });
    void this.tracker.add(page);
    return page;
  }
}

export const nounPagesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:nounpages',
  description: 'The pages of models, endpoints and datasets.',
  autoStart: true,
  requires: [IPanels],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, panels: IPanels, restorer: ILayoutRestorer | null) => {
    const pages = new NounPages(app, panels);
    panels.pageRequested.connect((_, { noun, key }) => {
      if (isPageNoun(noun)) {
        pages.show(noun, key);
      }
    });
    app.commands.addCommand(COMMAND, {
      label: 'Show Model, Endpoint or Dataset of mlmagic',
      execute: ({ noun, key }) => isPageNoun(String(noun)) && pages.show(String(noun) as PageNoun, String(key))
    });
    void restorer?.restore(pages.tracker, {
      command: COMMAND,
      args: ({ content }) => ({ noun: content.noun, key: content.name }),
      name: ({ id }) => id
    });
  }
};

function isPageNoun(noun: string): noun is PageNoun {
  return noun in WORDS;
}
