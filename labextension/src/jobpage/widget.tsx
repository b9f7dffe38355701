import { ReactWidget } from '@jupyterlab/apputils';
import { lazy, Suspense } from 'react';

import type { IPanels, PageRequest } from '../tokens';
import { Boundary } from '../views/Boundary';
import { Empty } from './Notices';
import { PagePart } from './pagepart';
import { nameOf } from './rows';

// Charts are loaded after JupyterLab, not with it.
const JobPage = lazy(async () => ({ default: (await import('./JobPage')).JobPage }));
const ComparePage = lazy(async () => ({ default: (await import('../compare/ComparePage')).ComparePage }));

/** Load what pages are made of, so that the first opens at once. */
export function preloadPages(): void {
  // What cannot be loaded now is asked for again with the first page, which then tells.
  import('./JobPage').catch(() => undefined);
}

/** The page of a job, or of several side by side, as a widget. */
export class PageWidget extends ReactWidget {
  readonly part: PagePart;

  constructor(
    private readonly _panels: IPanels,
    readonly request: PageRequest,
    private readonly _onBoard: (ids: readonly string[]) => void,
    /** What the tab is called until the job is known. */
    label = ''
  ) {
    super();
    this.part = new PagePart(request.part ?? 'overview');
    this.addClass('mlm-page-widget');
    this.title.closable = true;
    this.title.caption = request.key.replaceAll(',', ', ');
    this.title.label = label;
    this.title.label = this._label();
    _panels.jobs.changed.connect(this._onRow, this);
  }

  override dispose(): void {
    this._panels.jobs.changed.disconnect(this._onRow, this);
    super.dispose();
  }

  protected override render() {
    const { noun, key } = this.request;
    return (
      <Boundary what="This page">
        <Suspense fallback={<Empty isLoading>…</Empty>}>
          {noun === 'job' ? (
            <JobPage panels={this._panels} id={key} part={this.part} onBoard={this._onBoard} />
          ) : (
            <ComparePage panels={this._panels} ids={key.split(',')} onBoard={this._onBoard} />
          )}
        </Suspense>
      </Boundary>
    );
  }

  private _onRow(): void {
    this.title.label = this._label();
  }

  private _label(): string {
    const { noun, key } = this.request;
    if (noun === 'compare') {
      const ids = key.split(',');
      const study = ids.length === 1 ? this._panels.jobs.get(key) : undefined;
      return study ? `Trials of ${nameOf(key, study)}` : ids.length > 1 ? `${ids.length} jobs compared` : 'Comparison';
    }
    const row = this._panels.jobs.get(key);
    // Of a job that was deleted the name is still known here.
    return row ? nameOf(key, row) : this.title.label || key;
  }
}
