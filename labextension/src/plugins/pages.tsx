import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { listIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { PageWidget, preloadPages } from '../jobpage/widget';
import { attempt } from '../panel/actions';
import { showBoard } from '../panel/board';
import { IPanels, type PageRequest } from '../tokens';

const COMMAND = 'mlmagic:show-page';

type Page = MainAreaWidget<PageWidget>;

/** One page for each job and each comparison, in the main area, or beside a notebook that takes all of it. */
class Pages {
  readonly tracker = new WidgetTracker<Page>({ namespace: 'mlmagic-pages' });
  private readonly _hasTabs: boolean;

  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _panels: IPanels
  ) {
    this._hasTabs = _app.name === 'JupyterLab';
  }

  show(request: PageRequest, label = ''): void {
    const id = `mlmagic-${request.noun}-${request.key}`;
    const page = this.tracker.find(known => known.id === id) ?? this._make(request, id, label);
    if (request.part) {
      page.content.part.set(request.part);
    }
    this._app.shell.activateById(id);
  }

  private _make(request: PageRequest, id: string, label: string): Page {
    if (!this._hasTabs) {
      // Notebook 7 shows one page beside the notebook; others would stay behind it for good.
      this.tracker.filter(() => true).forEach(other => other.dispose());
    }
    const content = new PageWidget(
      this._panels,
      request,
      ids => void attempt(() => showBoard(this._app, this._panels, ids)),
      label
    );
    const page = new MainAreaWidget({ content });
    page.id = id;
    page.title.icon = listIcon;
    page.toolbar.hide();
    content.part.changed.connect(() => void this.tracker.save(page));
    content.title.changed.connect(() => void this.tracker.save(page));
    this._app.shell.add(page, this._hasTabs ? 'main' : 'right', { type: 'mlmagic-page' });
    void this.tracker.add(page);
    return page;
  }
}

export const pagesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlmagic:pages',
  description: 'The page of a job, and that of several side by side.',
  autoStart: true,
  requires: [IPanels],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, panels: IPanels, restorer: ILayoutRestorer | null) => {
    const pages = new Pages(app, panels);
    panels.pageRequested.connect((_, request) => {
      if (request.noun === 'job' || request.noun === 'compare') {
        pages.show(request);
      }
    });
    app.commands.addCommand(COMMAND, {
      label: 'Show Page of mlmagic',
      execute: args => pages.show(requestOf(args), String(args.label ?? ''))
    });
    // Before the first page is asked for, and after all that JupyterLab itself has to do.
    void app.restored.then(() => window.setTimeout(preloadPages, 1_000));
    void restorer?.restore(pages.tracker, {
      command: COMMAND,
      args: ({ content }) => ({ ...content.request, part: content.part.value, label: content.title.label }),
      name: ({ id }) => id
    });
  }
};

function requestOf({ noun, key, part }: ReadonlyPartialJSONObject): PageRequest {
  return { noun: noun === 'compare' ? 'compare' : 'job', key: String(key), ...(part ? { part: String(part) } : {}) };
}
