import { useCallback, useRef, useState } from 'react';

import { HtmlView } from '../jobpage/HtmlView';
import { attempt, confirm } from '../panel/actions';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { ModelPage } from '../types';
import { DeployForm } from './DeployForm';
import { useChanges, useLoaded } from './loaded';
import { PredictionForm } from './PredictionForm';
import { VersionsTable } from './VersionsTable';

export interface ModelViewProps {
  panels: IPanels;
  name: string;
  /** The version that was asked for; null shows the default one. */
  version: number | null;
  onGone: () => void;
}

/** A model: its versions, one of them in full, and a form to ask that one. */
export function ModelView({ panels, name, version, onGone }: ModelViewProps) {
  const root = useRef<HTMLDivElement>(null);
  const load = useCallback(() => panels.client.model(name), [panels, name]);
  const { value, problem, reload } = useLoaded(load);
  const [picked, setPicked] = useState<{ asked: number | null; number: number | null } | null>(null);
  const [isBusy, setBusy] = useState(false);
  useChanges(panels, ['model', 'endpoint'], root, reload);
  const page = value?.page.bundle as ModelPage | undefined;
  const chosen = (picked?.asked === version ? picked.number : version) ?? defaultOf(page);
  const act = async (action: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    const isDone = await attempt(() => action().then(() => true));
    setBusy(false);
    return isDone === true;
  };
  const setDefault = async (number: number): Promise<void> => {
    await act(() => panels.client.setDefault(name, number));
    await reload();
  };
  const remove = async (number?: number): Promise<void> => {
    if (await isDeletionConfirmed(name, number, page)) {
      const isDone = await act(() => panels.client.deleteModel(name, number));
      if (isDone && number === undefined) {
        onGone();
        return;
      }
      if (isDone && number === chosen) {
        setPicked({ asked: version, number: null });
      }
      await reload();
    }
  };
  return (
    <div ref={root} className="mlm-noun" data-mlm="model-page" data-name={name}>
      <div className="mlm-noun-head">
        <h2>
          <span className="mlm-faint">Model</span> {name}
        </h2>
        <button
          type="button"
          className="mlm-button"
          data-mlm="action-delete-model"
          disabled={isBusy}
          onClick={() => void remove()}
        >
          Delete model
        </button>
      </div>
      {problem && <ProblemBox problem={problem} onRetry={() => void reload()} />}
      {page && (
        <VersionsTable
          panels={panels}
          page={page}
          chosen={chosen}
          isBusy={isBusy}
          onChoose={number => setPicked({ asked: version, number })}
          onSetDefault={number => void setDefault(number)}
          onDelete={number => void remove(number)}
        />
      )}
      {chosen !== null && <VersionView key={chosen} panels={panels} name={name} number={chosen} />}
    </div>
  );
}

/** A version: where it came from, its signature, and what it says. */
function VersionView({ panels, name, number }: { panels: IPanels; name: string; number: number }) {
  const load = useCallback(() => panels.client.version(name, number), [panels, name, number]);
  const { value, problem, reload } = useLoaded(load);
  const reference = `${name}@${number}`;
  return (
    <>
      {problem && <ProblemBox problem={problem} onRetry={() => void reload()} />}
      {value && (
        <section aria-label={`Ask ${reference}`}>
          <h3>Ask {reference}</h3>
          <PredictionForm
            target={reference}
            signature={value.version.signature}
            ask={instances => panels.client.predict(name, number, instances)}
          />
        </section>
      )}
      {value && <DeployForm panels={panels} model={name} version={number} />}
      {value && <HtmlView html={value.page.html} />}
    </>
  );
}

function defaultOf(page: ModelPage | undefined): number | null {
  return page?.model.aliases?.default ?? page?.versions.at(-1)?.number ?? null;
}

function isDeletionConfirmed(name: string, number: number | undefined, page: ModelPage | undefined): Promise<boolean> {
  if (number === undefined) {
    const count = page?.count ?? 0;
    const versions = count === 1 ? 'its only version' : `all ${count} versions`;
    return confirm(`Delete the model ${name}?`, `It goes with ${versions}. That cannot be taken back.`, 'Delete model');
  }
  const body = 'Its files are removed, and its number is not given again. That cannot be taken back.';
  return confirm(`Delete ${name}@${number}?`, body, 'Delete version');
}
