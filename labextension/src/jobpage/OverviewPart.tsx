import { useCallback } from 'react';

import { ProblemBox } from '../panel/Notice';
import type { CellPlace, IPanels } from '../tokens';
import { HtmlView } from './HtmlView';
import { Empty } from './Notices';
import type { PageData } from './pagedata';
import type { Places } from './places';

export interface OverviewPartProps {
  panels: IPanels;
  data: PageData;
  places: Places;
}

/** What the cell output shows, as it is now. */
export function OverviewPart({ panels, data, places }: OverviewPartProps) {
  const showCell = useCallback((place: CellPlace) => panels.showCell(place), [panels]);
  if (!data.page) {
    return data.problem ? <ProblemBox problem={data.problem} onRetry={data.refresh} /> : <Empty isLoading>…</Empty>;
  }
  return (
    <div className="mlm-page-part">
      {data.problem && <ProblemBox problem={data.problem} onRetry={data.refresh} />}
      <HtmlView html={data.page.html} places={places} onShowCell={showCell} />
    </div>
  );
}
