import { Notification } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import type { CellPlace } from '../tokens';
import { candidates, isSameNotebook } from './notebookPaths';

const FLASH = 'mlm-cell-flash';
const FLASH_MILLISECONDS = 1_500;

/** Opens notebooks at a cell. */
export class CellJump {
  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _documents: IDocumentManager | null,
    private readonly _activate: (id: string) => void
  ) {}

  /** Show a cell, and the line of it if that is known; says so where it is not there any more. */
  async show(place: CellPlace): Promise<void> {
    const panel = await this._notebookOf(place);
    if (panel === null) {
      const name = place.notebook?.split('/').pop();
      Notification.warning(
        name ? `${name} was not found: was it moved or renamed?` : 'It is not known which notebook that cell is in.'
      );
      return;
    }
    this._activate(panel.id);
    await panel.revealed;
    await showIn(panel, place);
  }

  private async _notebookOf(place: CellPlace): Promise<NotebookPanel | null> {
    const open = this._openWith(place);
    return open ?? (place.notebook ? this._opened(place.notebook) : null);
  }

  /** An open notebook that has the cell: the one that is meant, or one by another name. */
  private _openWith({ notebook, cellId }: CellPlace): NotebookPanel | null {
    const found: NotebookPanel[] = [];
    this._tracker.forEach(panel => {
      const isNamed = isSameNotebook(notebook, this._localPath(panel.context.path));
      const hasCell = panel.content.widgets.some(cell => cell.model.id === cellId);
      if (isNamed && (hasCell || !cellId)) {
        found.unshift(panel);
      } else if (hasCell) {
        found.push(panel);
      }
    });
    return found[0] ?? null;
  }

  private async _opened(notebook: string): Promise<NotebookPanel | null> {
    const documents = this._documents;
    for (const path of documents === null ? [] : candidates(notebook)) {
      if (await this._exists(path)) {
        return (documents?.openOrReveal(path) as NotebookPanel | undefined) ?? null;
      }
    }
    return null;
  }

  private async _exists(path: string): Promise<boolean> {
    try {
      await this._documents?.services.contents.get(path, { content: false });
      return true;
    } catch {
      return false;
    }
  }

  private _localPath(path: string): string {
    return this._documents?.services.contents.localPath(path) ?? path;
  }
}

async function showIn(panel: NotebookPanel, { cellId, line }: CellPlace): Promise<void> {
  const notebook = panel.content;
  const at = notebook.widgets.findIndex(cell => cell.model.id === cellId);
  const cell = notebook.widgets[at];
  if (cell === undefined) {
    if (cellId) {
      Notification.warning('That cell is not in the notebook any more.');
    }
    return;
  }
  notebook.activeCellIndex = at;
  await notebook.scrollToCell(cell, 'smart');
  await cell.ready;
  if (line) {
    selectLine(cell, line);
  }
  cell.node.classList.remove(FLASH);
  // Reading a size lets the animation begin anew.
  void cell.node.offsetWidth;
  cell.node.classList.add(FLASH);
  window.setTimeout(() => cell.node.classList.remove(FLASH), FLASH_MILLISECONDS);
}

/** Select a line, counted from 1, as if it had been marked by hand. */
function selectLine(cell: NotebookPanel['content']['widgets'][number], line: number): void {
  const editor = cell.editor;
  const text = editor?.getLine(line - 1);
  if (editor && text !== undefined) {
    const [start, end] = [0, text.length].map(column => ({ line: line - 1, column }));
    editor.setSelection({ start: start!, end: end! });
    editor.revealPosition(start!);
    editor.focus();
  }
}
