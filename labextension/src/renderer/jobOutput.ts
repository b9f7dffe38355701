import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { ProblemError } from '../client';
import { isFinal } from '../panel/states';
import type { IPanels } from '../tokens';
import type { JobRow, JobState } from '../types';
import { make } from '../views/dom';
import { mountHtml } from '../views/mount';
import { Pace } from '../views/pace';
import { Sight } from '../views/sight';
import { JobBar } from './jobBar';
import { savedJob } from './saved';
import { mountSaved } from './staticOutput';

const PAUSE = 1_000;
const UNKNOWN = 'As it was saved: this server does not know the job. It ran elsewhere, or was deleted.';

/** What is on the screen of a job, as far as it tells whether there is more to show. */
interface Shown {
  state: JobState | undefined;
  made: string | undefined;
}

/**
 * A job's output: live from the server while the job is known to it, whatever became of the kernel; else as it was saved.
 *
 * It asks for nothing while it is out of sight.
 */
export class JobOutput extends Widget implements IRenderMime.IRenderer {
  private readonly _panels: IPanels;
  private readonly _mimeType: string;
  private readonly _bar: JobBar;
  private readonly _body = make('div');
  private readonly _pace = new Pace(() => this._refresh(), PAUSE);
  private readonly _sight: Sight;
  private _model: IRenderMime.IMimeModel | null = null;
  private _id: string | null = null;
  private _shown: Shown | null = null;
  private _isLive = false;
  private _isSeen = false;
  private _unwatch: (() => void) | null = null;

  constructor(panels: IPanels, mimeType: string) {
    super();
    this._panels = panels;
    this._mimeType = mimeType;
    this._bar = new JobBar(panels);
    this.addClass('mlm-output');
    this.node.dataset.mlm = 'output';
    this.node.append(this._bar.node, this._body, this._bar.below);
    this._sight = new Sight(this.node, isSeen => this._onSight(isSeen));
    panels.jobs.changed.connect(this._onChanged, this);
    panels.jobs.removed.connect(this._onRemoved, this);
    panels.stream.refreshed.connect(this._onRefreshed, this);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._unwatch?.();
      this._sight.dispose();
      this._pace.dispose();
      this._panels.jobs.changed.disconnect(this._onChanged, this);
      this._panels.jobs.removed.disconnect(this._onRemoved, this);
      this._panels.stream.refreshed.disconnect(this._onRefreshed, this);
      super.dispose();
    }
  }

  /** Show what the kernel displayed or redrew. What comes from the server is newer, and stays. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    this._bar.setTrusted(model.trusted);
    const id = savedJob(model.data[this._mimeType])?.id ?? null;
    if (id !== this._id) {
      this._follow(id);
    }
    if (!this._isLive) {
      this._showSaved();
    }
  }

  private _follow(id: string | null): void {
    this._unwatch?.();
    this._unwatch = null;
    this._id = id;
    this._isLive = false;
    this._bar.setRow(null);
    this._bar.setNote('');
    if (id !== null) {
      this.node.dataset.jobId = id;
      this._onSight(this._isSeen);
    }
  }

  private _onSight(isSeen: boolean): void {
    this._isSeen = isSeen;
    if (this._id === null || !isSeen) {
      this._unwatch?.();
      this._unwatch = null;
      return;
    }
    this._unwatch ??= this._panels.jobs.watch(this._id);
    const known = this._panels.jobs.get(this._id);
    if (known !== undefined) {
      this._onChanged(this._panels.jobs, known);
    }
  }

  private _onChanged(_: unknown, row: JobRow): void {
    if (row.summary.id !== this._id) {
      return;
    }
    this._bar.setRow(row);
    this._bar.setNote('');
    if (this._isSeen && !isShown(row, this._shown)) {
      this._pace.ask();
    }
  }

  private _onRemoved(_: unknown, id: string): void {
    if (id === this._id) {
      this._isLive = false;
      this._bar.setRow(null);
      this._bar.setNote(UNKNOWN);
      this._showSaved();
    }
  }

  /** A job that has ended changes no more: its page is asked for again where it could not be read before. */
  private _onRefreshed(): void {
    const row = this._id === null ? undefined : this._panels.jobs.get(this._id);
    if (row !== undefined) {
      this._onChanged(this._panels.jobs, row);
    }
  }

  private async _refresh(): Promise<void> {
    const id = this._id;
    if (id === null || !this._isSeen || this.isDisposed) {
      return;
    }
    try {
      const page = await this._panels.client.jobPage(id);
      if (id !== this._id || this.isDisposed) {
        return;
      }
      this._isLive = true;
      this._shown = savedJob(page.bundle);
      mountHtml(this._body, page.html);
    } catch (error) {
      if (error instanceof ProblemError && error.status === 404) {
        this._onRemoved(null, id);
      }
      // Anything else passes: what is on the screen stays, and the next change of the job asks again.
    }
  }

  private _showSaved(): void {
    if (this._model !== null) {
      this._shown = savedJob(this._model.data[this._mimeType]);
      mountSaved(this._body, this._model);
    }
  }
}

/** Whether nothing more is to be told of a job than what is on the screen. */
function isShown({ summary }: JobRow, shown: Shown | null): boolean {
  const made = summary.modelVersion ?? summary.datasetVersion;
  return isFinal(summary.state) && summary.state === shown?.state && made === shown.made;
}
