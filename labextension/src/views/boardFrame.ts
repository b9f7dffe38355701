import { make } from './dom';
import { boardAddress } from './sanitise';

const HEIGHT = 800;

/** A board in a frame, with a link to a tab of its own. Null where the address is not that of a board of this server. */
export function boardFrame(address: string, title: string): HTMLElement | null {
  const known = boardAddress(address);
  if (known === null) {
    return null;
  }
  const named = `TensorBoard of ${title}`;
  const link = { href: known, target: '_blank', rel: 'noopener', class: 'mlm-board-link' };
  return make(
    'div',
    { class: 'mlm-board', 'data-mlm': 'board' },
    make('a', link, 'Open in a tab of its own'),
    make('iframe', { src: known, title: named, height: `${HEIGHT}`, class: 'mlm-board-frame' })
  );
}
