import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';

import { asProblem } from '../client';
import type { IPanels } from '../tokens';
import type { JobRow, Problem } from '../types';
import { plural } from './formats';
import { isFinal } from './states';

/** Tell of something that was refused; the user need not be looking at the panel any more. */
export function tellProblem(problem: Problem): void {
  const parts = [problem.message, ...(problem.problems ?? []), problem.hint ?? ''];
  Notification.error(parts.filter(part => part !== '').join(' '), { autoClose: 10_000 });
}

/** Do it, and tell if it was refused; undefined then. */
export async function attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    tellProblem(asProblem(error));
    return undefined;
  }
}

/** Ask before something that cannot be taken back. */
export async function confirm(title: string, body: string, action: string, refusal = 'Keep'): Promise<boolean> {
  const buttons = [Dialog.cancelButton({ label: refusal }), Dialog.warnButton({ label: action })];
  return (await showDialog({ title, body, buttons })).button.accept;
}

export function copy(text: string): void {
  Clipboard.copyToSystem(text);
  Notification.success('Copied.', { autoClose: 1_500 });
}

/** What can be done with jobs, with a question before what cannot be taken back. */
export class JobActions {
  constructor(private readonly _panels: IPanels) {}

  async cancel(ids: readonly string[]): Promise<void> {
    const title = `Cancel ${this._named(ids)}?`;
    if (await confirm(title, 'What it has written so far is kept.', 'Cancel it', 'Let it run')) {
      await this._each(ids, async id => this._panels.jobs.put(await this._panels.client.cancelJob(id)));
    }
  }

  async rerun(ids: readonly string[]): Promise<void> {
    await this._each(ids, async id => {
      const row = await this._panels.client.rerunJob(id);
      this._panels.jobs.put(row);
      Notification.success(`${row.summary.displayName} was started again.`, {
        autoClose: 4_000,
        actions: [{ label: 'Open', callback: () => this._panels.open({ noun: 'job', key: row.summary.id }) }]
      });
    });
  }

  async delete(ids: readonly string[]): Promise<void> {
    const body = 'Its record, logs and checkpoints are removed. Models and datasets that it made stay.';
    if (await confirm(`Delete ${this._named(ids)}?`, body, 'Delete')) {
      await this._each(ids, async id => {
        await this._panels.client.deleteJob(id);
        this._panels.jobs.remove(id);
      });
    }
  }

  rows(ids: readonly string[]): JobRow[] {
    return ids.map(id => this._panels.jobs.get(id)).filter(row => row !== undefined);
  }

  canCancel(ids: readonly string[]): boolean {
    const rows = this.rows(ids);
    return rows.length > 0 && rows.every(({ summary }) => !isFinal(summary.state) && summary.state !== 'CANCELLING');
  }

  canDelete(ids: readonly string[]): boolean {
    const rows = this.rows(ids);
    return rows.length > 0 && rows.every(({ summary }) => isFinal(summary.state));
  }

  private _named(ids: readonly string[]): string {
    const [row] = this.rows(ids);
    return ids.length === 1 && row !== undefined ? row.summary.displayName : plural(ids.length, 'job');
  }

  private async _each(ids: readonly string[], action: (id: string) => Promise<void>): Promise<void> {
    await Promise.all(ids.map(id => attempt(() => action(id))));
  }
}
