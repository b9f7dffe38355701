import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
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
  if (!data.page) {
    return data.problem ? <ProblemBox problem={data.problem} onRetry={data.refresh} /> : <Empty isLoading>…</Empty>;
  }
  return (
    <div className="mlm-page-part">
      <HtmlView html={data.page.html} places={places} onShowCell={place => panels.showCell(place)} />
    </div>
  );
}
