import { useEffect, useId, useRef, useState, type FormEvent } from 'react';

import { asProblem } from '../client';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { EndpointRow, Problem } from '../types';

export interface DeployFormProps {
  panels: IPanels;
  model: string;
  version: number;
}

/** Let an endpoint serve a version: what `%deploy` does, in its words. */
export function DeployForm({ panels, model, version }: DeployFormProps) {
  const id = useId();
  const [name, setName] = useState(model);
  const [traffic, setTraffic] = useState('');
  const { isBusy, problem, deploy } = useDeployment(panels);
  const known = useEndpoints(panels, model);
  const endpoint = known.find(each => each.name === name.trim());
  const reference = `${model}@${version}`;
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    void deploy(name.trim() || model, reference, traffic);
  };
  return (
    <section aria-label={`Deploy ${reference}`}>
      <h3>Deploy {reference}</h3>
      <form className="mlm-form" data-mlm="deploy-form" onSubmit={onSubmit} noValidate>
        <div className="mlm-fields">
          <div className="mlm-field">
            <label htmlFor={`${id}-name`}>Endpoint</label>
            <input
              id={`${id}-name`}
              type="text"
              list={`${id}-known`}
              data-mlm="deploy-endpoint"
              spellCheck={false}
              autoComplete="off"
              placeholder={model}
              value={name}
              onChange={event => setName(event.target.value)}
            />
            <datalist id={`${id}-known`}>
              {known.map(each => (
                <option key={each.name} value={each.name} />
              ))}
            </datalist>
          </div>
          <div className="mlm-field">
            <label htmlFor={`${id}-traffic`}>Traffic, percent</label>
            <input
              id={`${id}-traffic`}
              type="text"
              inputMode="numeric"
              data-mlm="deploy-traffic"
              autoComplete="off"
              placeholder="100"
              aria-describedby={`${id}-told`}
              value={traffic}
              onChange={event => setTraffic(event.target.value)}
            />
          </div>
        </div>
        <p id={`${id}-told`} className="mlm-faint">
          {toldOf(reference, endpoint)} In a notebook:{' '}
          <code data-mlm="deploy-command">{commandOf(model, version, name.trim(), traffic)}</code>
        </p>
        <div>
          <button type="submit" className="mlm-button mlm-primary" data-mlm="action-deploy" disabled={isBusy}>
            {isBusy ? 'Deploying…' : `Deploy ${reference}`}
          </button>
        </div>
        {problem && <ProblemBox problem={problem} />}
      </form>
    </section>
  );
}

function useDeployment(panels: IPanels) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const deploy = async (name: string, reference: string, traffic: string): Promise<void> => {
    const percent = traffic.trim() === '' ? undefined : Number(traffic);
    if (percent !== undefined && !(Number.isInteger(percent) && percent >= 0 && percent <= 100)) {
      setProblem({ message: `“${traffic}” is no percentage.`, hint: 'Traffic is a whole number from 0 to 100.' });
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      await panels.client.deploy(name, reference, percent);
      // How it comes up is told there.
      panels.open({ noun: 'endpoint', key: name });
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return { isBusy, problem, deploy };
}

/** The endpoints of a model, as they were when the form was opened: they are proposed, and others can be typed. */
function useEndpoints(panels: IPanels, model: string): readonly EndpointRow[] {
  const [known, setKnown] = useState<readonly EndpointRow[]>([]);
  const isOver = useRef(false);
  useEffect(() => {
    isOver.current = false;
    panels.client.endpoints().then(
      found => isOver.current || setKnown(found.filter(each => each.model === model)),
      // Without proposals a name is typed; the page itself tells that the server is away.
      () => undefined
    );
    return () => {
      isOver.current = true;
    };
  }, [panels, model]);
  return known;
}

function toldOf(reference: string, endpoint: EndpointRow | undefined): string {
  if (endpoint === undefined) {
    return `A new endpoint, which stays with ${reference}.`;
  }
  return `${endpoint.name} serves ${endpoint.model} already: the others share the rest of its requests as they do now. By default ${reference} gets all.`;
}

function commandOf(model: string, version: number, name: string, traffic: string): string {
  const words = ['%deploy', `${model}@${version}`];
  words.push(...(name && name !== model ? ['--endpoint', name] : []));
  return [...words, ...(traffic.trim() ? ['--traffic', traffic.trim()] : [])].join(' ');
}
