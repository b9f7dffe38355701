import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import type { IPanels } from '../tokens';
import { boardFrame } from '../views/boardFrame';
import { make, makeButton } from '../views/dom';
import { problemNode } from '../views/problem';
import { asObject, asText, BOARD_TYPE } from './saved';
import { mountSaved } from './staticOutput';

/** A TensorBoard in an output: framed below this server's own address while it runs, with a way to start it again. */
export class BoardOutput extends Widget implements IRenderMime.IRenderer {
  private readonly _panels: IPanels;

  constructor(panels: IPanels) {
    super();
    this._panels = panels;
    this.addClass('mlm-output');
    this.node.dataset.mlm = 'output';
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const page = asObject(model.data[BOARD_TYPE]) ?? {};
    const key = asText(page.key);
    if (key === undefined || asText(page.path) === undefined) {
      mountSaved(this.node, model);
      return;
    }
    try {
      const running = (await this._panels.client.boards()).find(board => board.key === key);
      if (running === undefined) {
        this._showEnded(model);
      } else {
        this._showFrame(running.path, running.title);
      }
    } catch {
      mountSaved(this.node, model);
    }
  }

  private _showFrame(path: string, title: string): void {
    const frame = boardFrame(this._panels.client.address(path), title);
    const shown = this.node.querySelector('iframe');
    // What is framed already would begin anew.
    if (frame !== null && shown?.src !== frame.querySelector('iframe')?.src) {
      this.node.replaceChildren(frame);
    }
  }

  private _showEnded(model: IRenderMime.IMimeModel): void {
    const page = asObject(model.data[BOARD_TYPE]) ?? {};
    const jobs = jobsOf(page);
    const command = asText(page.command) ?? '%tensorboard';
    const start = makeButton('Start it again', 'board', () => void this._start(start, jobs));
    start.hidden = jobs === null;
    start.disabled = !model.trusted;
    start.title = model.trusted ? command : 'Trust the notebook to start it from here.';
    this.node.replaceChildren(
      make(
        'div',
        { class: 'mlm-empty', 'data-mlm': 'empty' },
        make('div', {}, `The TensorBoard of ${asText(page.title) ?? 'these jobs'} has ended.`),
        make('div', { class: 'mlm-faint' }, 'It is started again by ', make('code', {}, command), '.'),
        start
      )
    );
  }

  private async _start(button: HTMLButtonElement, jobs: readonly string[] | null): Promise<void> {
    button.disabled = true;
    button.textContent = 'TensorBoard starts…';
    try {
      const board = await this._panels.client.openBoard(jobs ?? []);
      this._showFrame(board.path, board.title);
    } catch (error) {
      button.disabled = false;
      button.textContent = 'Start it again';
      this.node.append(problemNode(error));
    }
  }
}

/** The jobs that a board shows; null where it shows folders, or a part of a study: only its command says that. */
function jobsOf(page: Record<string, unknown>): string[] | null {
  const spec = asObject(page.spec);
  const sources = Array.isArray(spec?.sources) ? spec.sources.map(asObject) : [];
  const hasFlags = Object.keys(asObject(spec?.flags) ?? {}).length > 0;
  const jobs = sources.map(source => (source?.best === undefined ? asText(source?.job) : undefined));
  return hasFlags || jobs.length === 0 || jobs.includes(undefined) ? null : (jobs as string[]);
}
