import type { CommandRegistry } from '@lumino/commands';
import { useId } from 'react';

import type { Standing } from '../feed';
import { Boundary } from '../views/Boundary';
import { DataTab } from './DataTab';
import { EndpointsTab } from './EndpointsTab';
import { useSettled, useSignal, Visible } from './hooks';
import { JobsTab } from './JobsTab';
import type { PanelModel } from './model';
import { ModelsTab } from './ModelsTab';
import { TabList } from './TabList';

/** A connection that comes back at once is not worth a word, in milliseconds. */
const PATIENCE = 2_000;

interface Props {
  model: PanelModel;
  commands: CommandRegistry;
}

export function Panel({ model, commands }: Props) {
  useSignal(model.changed);
  const prefix = useId();
  const { tab, panels } = model;
  return (
    <Visible.Provider value={model.isVisible}>
      <TabList tab={tab} prefix={prefix} onTab={chosen => (model.tab = chosen)} />
      <Connection model={model} />
      <div
        role="tabpanel"
        id={`${prefix}page`}
        aria-labelledby={`${prefix}tab-${tab}`}
        className="mlm-panel-page"
        data-mlm={`page-${tab}`}
      >
        <Boundary key={tab} what={`The list of ${tab}`}>
          {tab === 'jobs' && <JobsTab model={model} commands={commands} />}
          {tab === 'models' && <ModelsTab panels={panels} />}
          {tab === 'endpoints' && <EndpointsTab panels={panels} />}
          {tab === 'data' && <DataTab panels={panels} />}
        </Boundary>
      </div>
    </Visible.Provider>
  );
}

const REASONS: Readonly<Partial<Record<Standing, string>>> = {
  refused: 'You are not logged in any more: load this page again. What runs goes on.',
  missing: 'mlmagic is not enabled where the Jupyter server runs: install it there, and restart the server.'
};

/** A quiet line while the server does not answer; what was read stays. */
function Connection({ model }: { model: PanelModel }) {
  const { stream } = model.panels;
  useSignal(stream.connectionChanged);
  useSignal(model.jobs.changed);
  const isLost = useSettled(!stream.isConnected, PATIENCE) && !stream.isConnected;
  // Why nothing can be read says more than that nothing is heard.
  const isTold = model.tab === 'jobs' && model.jobs.jobs.problem !== null && !model.jobs.jobs.isRead;
  return (
    <div role="status" className="mlm-connection" data-mlm="connection">
      {isLost && !isTold && (REASONS[stream.standing] ?? 'Not connected: trying again')}
    </div>
  );
}
