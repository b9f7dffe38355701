import type { CellPlace } from '../tokens';
import type { Origin } from '../types';

/** Lines of a file of the package that are lines of a cell; both count from 1. */
interface SourceBlock {
  file: string;
  firstLine: number;
  lastLine: number;
  cellNumber?: number;
  cellId?: string;
  cellFirstLine?: number;
}

/** Which lines of a package came from which cells of a notebook. */
export interface SourceMap {
  notebook?: string;
  blocks?: SourceBlock[];
}

/** `Cell [5], line 3` of tracebacks that were told in cells, `File "…/trainer/model.py", line 12` of those that were not. */
const MENTION = /Cell \[(\d+)\](?:, line (\d+))?|File "([^"<>&]+)", line (\d+)/g;

/** A place in a text that leads to a cell. */
export interface Mention {
  start: number;
  end: number;
  place: CellPlace;
}

/** Finds in texts what leads to a cell of the notebook that a job came from. */
export class Places {
  constructor(
    private readonly _origin: Origin,
    private readonly _map: SourceMap = {}
  ) {}

  /** The mentions of cells in a text, in its order. */
  in(text: string): Mention[] {
    const found: Mention[] = [];
    for (const match of text.matchAll(MENTION)) {
      const place = match[1]
        ? this.ofCell(Number(match[1]), match[2] ? Number(match[2]) : null)
        : this.ofLine(match[3]!, Number(match[4]));
      if (place) {
        found.push({ start: match.index, end: match.index + match[0].length, place });
      }
    }
    return found;
  }

  /** A cell by its number; null where it is not known which cell that was. */
  ofCell(number: number, line: number | null): CellPlace | null {
    const block = this._map.blocks?.find(each => each.cellNumber === number);
    const cellId = block?.cellId ?? (this._origin.cellNumber === number ? this._origin.cellId : undefined);
    return this._place(cellId, line);
  }

  /** The line of a cell from which a line of the package came; `path` may be absolute. */
  ofLine(path: string, line: number): CellPlace | null {
    const block = this._map.blocks?.find(
      each => each.firstLine <= line && line <= each.lastLine && (path === each.file || path.endsWith(`/${each.file}`))
    );
    return block ? this._place(block.cellId, (block.cellFirstLine ?? 1) + line - block.firstLine) : null;
  }

  private _place(cellId: string | undefined, line: number | null): CellPlace | null {
    const notebook = this._map.notebook ?? this._origin.notebook;
    return cellId && notebook ? { notebook, cellId, line } : null;
  }
}

/** Make the mentions of cells in what is shown into buttons that lead there. */
export function linkMentions(host: HTMLElement, places: Places, show: (place: CellPlace) => void): void {
  const walker = document.createTreeWalker(host, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) {
    const text = walker.currentNode as Text;
    if (!text.parentElement?.closest('button, summary, svg')) {
      texts.push(text);
    }
  }
  for (const text of texts) {
    // From the end, so that what was found before keeps its place.
    for (const { start, end, place } of places.in(text.data).reverse()) {
      const rest = text.splitText(start);
      rest.splitText(end - start);
      rest.replaceWith(linkTo(rest.data, () => show(place)));
    }
  }
}

function linkTo(label: string, onClick: () => void): HTMLElement {
  const link = document.createElement('button');
  link.type = 'button';
  link.className = 'mlm-page-link';
  link.dataset.mlm = 'cell-link';
  link.title = 'Show the cell';
  link.textContent = label;
  link.addEventListener('click', onClick);
  return link;
}
