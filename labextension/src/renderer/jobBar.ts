import { JobActions } from '../panel/actions';
import { isFinal, sign, word } from '../panel/states';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { boardFrame } from '../views/boardFrame';
import { make, makeButton } from '../views/dom';
import { problemNode } from '../views/problem';

const UNTRUSTED = 'This notebook is not trusted. View → Activate Command Palette → Trust Notebook allows it.';

/** The slim row above a job's output: what can be done with the job, and whether what stands below it is live. */
export class JobBar {
  readonly node: HTMLElement;
  /** Where a board that was asked for, or an error, is shown. */
  readonly below = make('div', { class: 'mlm-output-below' });
  private readonly _panels: IPanels;
  /** What stands below says it to the eye. */
  private readonly _state = make('span', { class: 'mlm-spoken', 'data-mlm': 'state', role: 'status' });
  private readonly _note = make('span', { class: 'mlm-faint', 'data-mlm': 'output-note' });
  private readonly _open = makeButton('Open', 'open', () => this._ask(''), 'The page of this job');
  private readonly _logs = makeButton('Logs', 'logs', () => this._ask('logs'), 'All of its log, as it grows');
  private readonly _cancel = makeButton('Cancel', 'cancel', () => void this._actions.cancel(this._ids));
  private readonly _board = makeButton('TensorBoard', 'board', () => void this._onBoard());
  private readonly _actions: JobActions;
  private _row: JobRow | null = null;
  private _isTrusted = false;

  constructor(panels: IPanels) {
    this._panels = panels;
    this._actions = new JobActions(panels);
    const buttons = [this._open, this._logs, this._cancel, this._board];
    this._board.setAttribute('aria-expanded', 'false');
    this.node = make('div', { class: 'mlm-output-bar' }, this._state, this._note, make('span'), ...buttons);
    this._update();
  }

  /** The job as it is now; null where the server knows no such job. */
  setRow(row: JobRow | null): void {
    this._row = row;
    this._update();
  }

  setTrusted(isTrusted: boolean): void {
    this._isTrusted = isTrusted;
    this._update();
  }

  setNote(text: string): void {
    this._note.textContent = text;
  }

  private get _ids(): string[] {
    return this._row === null ? [] : [this._row.summary.id];
  }

  private _update(): void {
    const summary = this._row?.summary;
    for (const button of [this._open, this._logs, this._cancel, this._board]) {
      button.hidden = summary === undefined;
    }
    this._state.hidden = summary === undefined;
    if (summary === undefined) {
      return;
    }
    if (this._state.dataset.state !== summary.state) {
      // What is written anew is spoken anew.
      this._state.dataset.state = summary.state;
      this._state.textContent = `${sign(summary.state)} ${word(summary.state)}`;
    }
    this._cancel.hidden = isFinal(summary.state);
    this._cancel.disabled = !this._isTrusted || summary.state === 'CANCELLING';
    this._board.disabled = !this._isTrusted;
    this._cancel.title = this._isTrusted ? `End ${summary.displayName}` : UNTRUSTED;
    this._board.title = this._isTrusted ? 'Its TensorBoard, below' : UNTRUSTED;
  }

  private _ask(part: string): void {
    this._ids.forEach(key => this._panels.open({ noun: 'job', key, ...(part ? { part } : {}) }));
  }

  /** Show the board below, or take it away again. */
  private async _onBoard(): Promise<void> {
    if (this._board.getAttribute('aria-expanded') === 'true') {
      this.below.replaceChildren();
      this._board.setAttribute('aria-expanded', 'false');
      return;
    }
    await this._attempt(this._board, async () => {
      const { client } = this._panels;
      this.below.replaceChildren(make('div', { class: 'mlm-empty', role: 'status' }, 'TensorBoard starts…'));
      const board = await client.openBoard(this._ids);
      this.below.replaceChildren(boardFrame(client.address(board.path), board.title) ?? '');
      this._board.setAttribute('aria-expanded', 'true');
    });
  }

  private async _attempt(button: HTMLButtonElement, act: () => Promise<void>): Promise<void> {
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      this.below.replaceChildren(problemNode(error));
    } finally {
      button.disabled = false;
    }
  }
}
