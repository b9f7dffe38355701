import morphdom from 'morphdom';

import { safeNodes } from './sanitise';

/** Whether the server last wanted a <details> open: where it is otherwise now, the reader did that. */
const wishes = new WeakMap<Element, boolean>();

/** What is scrolled by a pointer can be scrolled by keys, too: as soon as it has something to scroll. */
const sizes = new ResizeObserver(entries => entries.forEach(({ target }) => makeReachable(target)));

/**
 * Show HTML that a panel was rendered to, from whomever it comes: no more of it than the allow-list names.
 *
 * What is there already is changed in place, so that what the reader has opened, scrolled to, focused or selected stays.
 */
export function mountHtml(host: HTMLElement, html: string): void {
  host.classList.add('mlm-mount');
  const wanted = document.createElement(host.localName);
  wanted.append(safeNodes(html));
  const restore = keepSelection(host);
  morphdom(host, wanted, {
    childrenOnly: true,
    // Elements have no ids here, and none of them is another one that has moved.
    getNodeKey: () => undefined,
    onNodeAdded: node => noteWish(node),
    onBeforeElUpdated: (from, to) => {
      keepOpen(from, to);
      keepReachable(from, to);
      return !from.isEqualNode(to);
    }
  });
  restore();
  makeReachable(host);
  sizes.observe(host);
}

function makeReachable(host: Element): void {
  for (const box of host.querySelectorAll('[style*="overflow"]')) {
    const hasMore = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (hasMore && /auto|scroll/.test(getComputedStyle(box).overflow)) {
      box.setAttribute('tabindex', '0');
    } else {
      box.removeAttribute('tabindex');
    }
  }
}

/** What has the focus would lose it with its place among what can be reached. */
function keepReachable(from: Element, to: Element): void {
  if (from.hasAttribute('tabindex')) {
    to.setAttribute('tabindex', '0');
  }
}

function noteWish(node: Node): void {
  if (node instanceof HTMLDetailsElement) {
    wishes.set(node, node.open);
  }
}

function keepOpen(from: Element, to: Element): void {
  if (!(from instanceof HTMLDetailsElement) || !(to instanceof HTMLDetailsElement)) {
    return;
  }
  const wish = wishes.get(from) ?? from.open;
  wishes.set(from, to.open);
  if (from.open !== wish) {
    to.open = from.open;
  }
}

/** Setting the text of a node moves the ends of a selection in it; they are put back where the same text is selected. */
function keepSelection(host: Element): () => void {
  const selection = document.getSelection();
  const range = selection?.rangeCount ? selection.getRangeAt(0) : null;
  if (!selection || selection.isCollapsed || range === null || !host.contains(range.commonAncestorContainer)) {
    return () => undefined;
  }
  const { startContainer, startOffset, endContainer, endOffset } = range;
  const text = selection.toString();
  return () => {
    if (selection.toString() === text || !startContainer.isConnected || !endContainer.isConnected) {
      return;
    }
    if (startOffset > lengthOf(startContainer) || endOffset > lengthOf(endContainer)) {
      return;
    }
    selection.setBaseAndExtent(startContainer, startOffset, endContainer, endOffset);
    if (selection.toString() !== text) {
      selection.removeAllRanges();
    }
  };
}

function lengthOf(node: Node): number {
  return node.nodeType === Node.TEXT_NODE ? (node.nodeValue ?? '').length : node.childNodes.length;
}
