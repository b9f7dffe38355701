import type { JobRow } from '../types';
import { isFinal } from './states';

/** Tells whether a job that monitors has looked again, or has ended: what else moves in its row says nothing of alerts. */
export class MonitoringNotes {
  private readonly _last = new Map<string, string>();

  isNews({ summary, note }: JobRow): boolean {
    const { id, kind, state } = summary;
    if (kind !== 'monitoring') {
      return false;
    }
    if (isFinal(state)) {
      this._last.delete(id);
      return true;
    }
    const told = `${state} ${note ?? ''}`;
    const isNews = this._last.get(id) !== told;
    this._last.set(id, told);
    return isNews;
  }
}
