import { PageConfig } from '@jupyterlab/coreutils';

import { allowedStyle, HTML_SPACE, isAttributeAllowed, isElementAllowed, SVG_SPACE } from './allowlist';

const BOARDS = 'mlmagic/tensorboard/';

/**
 * Build what of some HTML may be shown, as nodes of this page that are in no document yet.
 *
 * The text is parsed in a document of its own, where nothing runs and nothing is loaded. What is built is a copy of what
 * the allow-list names, node by node: text that was parsed is never written out and parsed again.
 */
export function safeNodes(html: string): DocumentFragment {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const built = document.createDocumentFragment();
  copyChildren(parsed.body, built);
  return built;
}

function copyChildren(from: Node, to: Node): void {
  for (const child of Array.from(from.childNodes)) {
    if (child.nodeType === Node.TEXT_NODE) {
      to.appendChild(document.createTextNode(child.nodeValue ?? ''));
    } else if (child instanceof Element) {
      copyElement(child, to);
    }
  }
}

function copyElement(from: Element, to: Node): void {
  if (!isElementAllowed(from.namespaceURI, from.localName)) {
    return;
  }
  const copy = document.createElementNS(from.namespaceURI === SVG_SPACE ? SVG_SPACE : HTML_SPACE, nameOf(from));
  for (const { name, value } of Array.from(from.attributes)) {
    copyAttribute(copy, name, value);
  }
  if (copy.localName === 'iframe' && !copy.hasAttribute('src')) {
    return;
  }
  copyChildren(from, copy);
  to.appendChild(copy);
}

/** A heading without words is a cell: who listens to a table would be told of a column that is called nothing. */
function nameOf(from: Element): string {
  return from.localName === 'th' && !from.textContent?.trim() ? 'td' : from.localName;
}

function copyAttribute(to: Element, name: string, value: string): void {
  if (name === 'style') {
    to.setAttribute('style', allowedStyle(value));
  } else if (name === 'href' && to.localName === 'a') {
    copyLink(to, value);
  } else if (name === 'src' && to.localName === 'iframe') {
    const address = boardAddress(value);
    if (address !== null) {
      to.setAttribute('src', address);
    }
  } else if (isAttributeAllowed(name, value)) {
    to.setAttribute(name, value);
  }
}

/** A link leads out of this page, and tells nothing of it. */
function copyLink(to: Element, value: string): void {
  const url = parsedUrl(value);
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) {
    to.setAttribute('href', url.href);
    to.setAttribute('target', '_blank');
    to.setAttribute('rel', 'noopener noreferrer');
  }
}

/** The address of a board of this server; null of anything else, which is shown in no frame. */
export function boardAddress(value: string): string | null {
  const url = parsedUrl(value);
  const base = parsedUrl(PageConfig.getBaseUrl());
  if (url === null || base === null || url.origin !== base.origin) {
    return null;
  }
  const rest = url.pathname.startsWith(base.pathname) ? url.pathname.slice(base.pathname.length) : '';
  return rest.startsWith(BOARDS) && /^[\w-]+\/$/.test(rest.slice(BOARDS.length)) ? url.href : null;
}

function parsedUrl(text: string): URL | null {
  try {
    return new URL(text, document.baseURI);
  } catch {
    return null;
  }
}
