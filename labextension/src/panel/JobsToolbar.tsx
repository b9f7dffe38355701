import type { ListQuery } from '../joblist';
import { activeFilter, QUICK_FILTERS, SORT_ORDERS, toggled } from './quickfilters';

interface Props {
  query: ListQuery;
  onQuery: (query: ListQuery) => void;
}

/** Filters of one click, the order, and whether trials are jobs of their own. */
export function JobsToolbar({ query, onQuery }: Props) {
  const active = activeFilter(query.filter);
  return (
    <div className="mlm-toolbar">
      <div role="group" aria-label="States" className="mlm-chips">
        {QUICK_FILTERS.map(chip => (
          <button
            key={chip.label}
            type="button"
            className="mlm-chip"
            aria-pressed={chip === active}
            data-mlm={`quick-${chip.label.toLowerCase()}`}
            onClick={() => onQuery({ ...query, filter: toggled(query.filter, chip) })}
          >
            {chip.label}
          </button>
        ))}
      </div>
      <select
        className="mlm-select"
        aria-label="Order"
        data-mlm="sort"
        value={query.sortBy}
        onChange={event => onQuery({ ...query, sortBy: event.target.value })}
      >
        {SORT_ORDERS.map(({ label, key }) => (
          <option key={key} value={key}>
            {label}
          </option>
        ))}
      </select>
      <label className="mlm-check">
        <input
          type="checkbox"
          data-mlm="trials"
          checked={query.trials}
          onChange={event => onQuery({ ...query, trials: event.target.checked })}
        />
        Trials
      </label>
    </div>
  );
}
