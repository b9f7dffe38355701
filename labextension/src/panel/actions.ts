import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';

import { asProblem } from '../client';
import type { IPanels } from '../tokens';
import type { JobRow, Problem } from '../types';
import { count, plain, plural } from './formats';
import { isFinal } from './states';

/** Requests on their way: a browser has six connections for all that Jupyter does. */
const MOST_AT_ONCE = 3;
/** Characters of a name in a sentence. */
export const MOST_NAME = 40;

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
    const running = ids.filter(id => isCancellable(this._panels.jobs.get(id)));
    const [it, them] = running.length === 1 ? ['it', 'it'] : ['they', 'them'];
    const title = `Cancel ${this._named(running)}?`;
    if (await confirm(title, `What ${it} wrote so far is kept.`, `Cancel ${them}`, `Let ${them} run`)) {
      await this._each(running, async id => this._panels.jobs.put(await this._panels.client.cancelJob(id)));
    }
  }

  async rerun(ids: readonly string[]): Promise<void> {
    await this._each(ids, async id => {
      const row = await this._panels.client.rerunJob(id);
      this._panels.jobs.put(row);
      Notification.success(`${plain(row.summary.displayName, MOST_NAME)} was started again.`, {
        autoClose: 4_000,
        actions: [{ label: 'Open', callback: () => this._panels.open({ noun: 'job', key: row.summary.id }) }]
      });
    });
  }

  async delete(ids: readonly string[]): Promise<void> {
    const body =
      ids.length === 1
        ? 'Its record, logs and checkpoints are removed. Models and datasets that it made stay.'
        : 'Their records, logs and checkpoints are removed. Models and datasets that they made stay.';
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
    return this.rows(ids).some(row => isCancellable(row));
  }

  canDelete(ids: readonly string[]): boolean {
    const rows = this.rows(ids);
    return ids.length > 0 && rows.length === ids.length && rows.every(({ summary }) => isFinal(summary.state));
  }

  private _named(ids: readonly string[]): string {
    const [row] = this.rows(ids);
    return ids.length === 1 && row !== undefined
      ? plain(row.summary.displayName, MOST_NAME)
      : plural(ids.length, 'job');
  }

  private async _each(ids: readonly string[], action: (id: string) => Promise<void>): Promise<void> {
    const rest = [...ids];
    const problems: Problem[] = [];
    const work = async () => {
      for (let id = rest.shift(); id !== undefined; id = rest.shift()) {
        await action(id).catch(error => problems.push(asProblem(error)));
      }
    };
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, work));
    if (problems.length > 0) {
      tellProblem(problems.length === 1 ? problems[0]! : summed(problems, ids.length));
    }
  }
}

/** As far as is known: the server has the last word. */
function isCancellable(row: JobRow | undefined): boolean {
  return row === undefined || (!isFinal(row.summary.state) && row.summary.state !== 'CANCELLING');
}

/** One word for all that went wrong with many jobs: one for each would fill the screen. */
function summed(problems: readonly Problem[], asked: number): Problem {
  const [first] = problems;
  return { ...first!, message: `${count(problems.length)} of ${plural(asked, 'job')} failed: ${first!.message}` };
}
