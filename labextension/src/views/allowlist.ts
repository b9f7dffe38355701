/**
 * What HTML that is shown may consist of: what mlmagic's panels are made of, and no more.
 * What is not named here is not copied, whoever wrote it and wherever it was saved.
 */

export const HTML_SPACE = 'http://www.w3.org/1999/xhtml';
export const SVG_SPACE = 'http://www.w3.org/2000/svg';

const HTML_ELEMENTS = words(`
  a b br caption code col colgroup dd details div dl dt em hr i iframe li ol p pre s small span strong sub summary sup
  table tbody td tfoot th thead tr u ul`);

const SVG_ELEMENTS = words('circle desc ellipse g line path polygon polyline rect svg text title tspan');

/** None of them names an address, an element by its id, or a function. */
const ATTRIBUTES = words(`
  aria-hidden aria-label aria-valuemax aria-valuemin aria-valuenow colspan dir height lang open role rowspan scope title
  width
  cx cy d dx dy fill fill-opacity font-family font-size font-weight opacity points preserveaspectratio r rx ry stroke
  stroke-dasharray stroke-linecap stroke-linejoin stroke-opacity stroke-width text-anchor transform vector-effect viewbox
  x x1 x2 y y1 y2`);

const PROPERTIES = words(`
  align-items align-self background background-color border border-bottom border-collapse border-color border-left
  border-radius border-right border-spacing border-top box-sizing clip-path color column-gap cursor display fill
  fill-opacity flex flex-direction flex-wrap font-family font-size font-style font-variant-numeric font-weight gap
  grid-template-columns height justify-content left letter-spacing line-height list-style margin margin-bottom
  margin-left margin-right margin-top max-height max-width min-height min-width opacity overflow overflow-wrap
  overflow-x overflow-y padding padding-bottom padding-left padding-right padding-top paint-order position row-gap
  stroke stroke-dasharray stroke-linejoin stroke-opacity stroke-width tab-size table-layout text-align
  text-decoration text-overflow top transform unicode-bidi user-select vector-effect vertical-align white-space width
  word-break -webkit-user-select`);

const FUNCTIONS = words(`
  calc clamp color-mix hsl hsla linear-gradient max min minmax repeat rgb rgba rotate scale translate translatex
  translatey var`);

/** Letters, numbers and the signs of lengths, colours and names: no escapes, no comments, no second declaration. */
const VALUE = /^[\w\s#%.,()'"+*/-]*$/;

export function isElementAllowed(space: string | null, name: string): boolean {
  return space === SVG_SPACE ? SVG_ELEMENTS.has(name) : space === HTML_SPACE && HTML_ELEMENTS.has(name);
}

export function isAttributeAllowed(name: string, value: string): boolean {
  return ATTRIBUTES.has(name.toLowerCase()) && !/url\s*\(/i.test(value);
}

/** The declarations of a style attribute that may be there. */
export function allowedStyle(text: string): string {
  return text.split(';').map(declaration).filter(Boolean).join(';');
}

function declaration(text: string): string {
  const at = text.indexOf(':');
  const name = text.slice(0, at).trim().toLowerCase();
  const value = text.slice(at + 1).trim();
  if (at < 0 || !PROPERTIES.has(name) || !VALUE.test(value) || value.includes('/*')) {
    return '';
  }
  if (name === 'position' && !['relative', 'absolute', 'static'].includes(value)) {
    return '';
  }
  const called = Array.from(value.matchAll(/([\w-]*)\(/g), match => (match[1] ?? '').toLowerCase());
  return called.every(each => each === '' || FUNCTIONS.has(each)) ? `${name}:${value}` : '';
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
