/** A filter that one click sets. */
export interface QuickFilter {
  label: string;
  /** In the filter language. */
  term: string;
}

export const QUICK_FILTERS: readonly QuickFilter[] = [
  { label: 'Unfinished', term: 'state=(QUEUED,PENDING,RUNNING,CANCELLING,PAUSED,UPDATING)' },
  { label: 'Succeeded', term: 'state=SUCCEEDED' },
  { label: 'Failed', term: 'state=(FAILED,EXPIRED,LOST)' }
];

export const SORT_ORDERS: readonly { label: string; key: string }[] = [
  { label: 'Newest first', key: '' },
  { label: 'Oldest first', key: 'createTime' },
  { label: 'Last ended first', key: '~endTime' },
  { label: 'By name', key: 'displayName' },
  { label: 'By state', key: 'state' },
  { label: 'Highest priority first', key: '~priority' }
];

/** The quick filter that a filter's text holds. */
export function activeFilter(text: string): QuickFilter | undefined {
  return QUICK_FILTERS.find(({ term }) => text === term || text.endsWith(` AND ${term}`));
}

/** The filter's text with a quick filter in the place of another, or without the one that it has. */
export function toggled(text: string, chosen: QuickFilter): string {
  const active = activeFilter(text);
  const rest = active === undefined ? text.trim() : withoutTerm(text, active.term);
  if (active === chosen) {
    return rest;
  }
  return rest === '' ? chosen.term : `${grouped(rest)} AND ${chosen.term}`;
}

function withoutTerm(text: string, term: string): string {
  return text === term ? '' : text.slice(0, -` AND ${term}`.length);
}

/** OR and AND may not be mixed without parentheses. */
function grouped(text: string): string {
  return /\bOR\b/.test(text) && !(text.startsWith('(') && text.endsWith(')')) ? `(${text})` : text;
}
