import { useCallback, useId, useRef, useState } from 'react';

import { HtmlView } from '../jobpage/HtmlView';
import { number, plain, plural, time } from '../panel/formats';
import { Command, ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { Alert, EndpointRow, FeatureChart, MonitoringPage } from '../types';
import { useChanges, useLoaded } from './loaded';
import { Link } from './VersionsTable';

interface Props {
  panels: IPanels;
  endpoint: EndpointRow;
}

/** What monitoring found of an endpoint last, baseline and window side by side, and its alerts. */
export function MonitoringPart({ panels, endpoint }: Props) {
  const { name } = endpoint;
  const root = useRef<HTMLElement>(null);
  const load = useCallback(() => panels.client.monitoring(name), [panels, name]);
  const { value, problem, reload } = useLoaded(load);
  useChanges(panels, ['endpoint'], root, reload);
  const alerts = value?.alerts ?? [];
  const lasting = alerts.filter(({ endTime }) => endTime === undefined).length;
  return (
    <section ref={root} aria-label={`Monitoring of ${name}`} data-mlm="monitoring">
      <h3>
        Monitoring
        {lasting > 0 && <AlertsMark count={lasting} />}
      </h3>
      {problem && <ProblemBox problem={problem} onRetry={() => void reload()} />}
      {value !== null && value.jobs !== undefined && value.jobs.length > 0 && <Jobs panels={panels} ids={value.jobs} />}
      {value !== null && isBare(value) && <FirstLook endpoint={endpoint} isLogged={value.isLogged === true} />}
      {alerts.length > 0 && <Alerts alerts={alerts} />}
      {value?.charts !== undefined && value.charts.length > 0 && <Charts charts={value.charts} />}
      {value !== null && hasReport(value) && <HtmlView html={value.html} />}
    </section>
  );
}

/** How many alerts last; told in words, too. */
export function AlertsMark({ count }: { count: number }) {
  return (
    <span className="mlm-alerts" data-mlm="alerts-mark">
      ✗ {plural(count, 'alert')}
    </span>
  );
}

function hasReport({ html }: MonitoringPage): boolean {
  return html !== '';
}

function isBare(page: MonitoringPage): boolean {
  return !hasReport(page) && (page.jobs ?? []).length === 0;
}

function FirstLook({ endpoint: { name, model }, isLogged }: { endpoint: EndpointRow; isLogged: boolean }) {
  return (
    <div className="mlm-empty" data-mlm="monitoring-empty">
      <p>Nobody has looked yet at what it is asked.{!isLogged && ' Log a part of the requests first:'}</p>
      {!isLogged && <Command text={`%deploy ${model} --endpoint ${name} --log-sample 0.1`} />}
      {!isLogged && <p>Then look again and again:</p>}
      <Command text={`%monitor ${name} --every 5m`} />
    </div>
  );
}

function Jobs({ panels, ids }: { panels: IPanels; ids: readonly string[] }) {
  return (
    <p>
      Looked at again and again by{' '}
      {ids.map((id, at) => (
        <span key={id} data-mlm="monitoring-job">
          {at > 0 && ', '}
          <Link text={id} title="Open the job" onClick={() => panels.open({ noun: 'job', key: id })} />
        </span>
      ))}
      .
    </p>
  );
}

function Alerts({ alerts }: { alerts: readonly Alert[] }) {
  return (
    <div className="mlm-table-frame" tabIndex={0} role="region" aria-label="Alerts">
      <table className="mlm-table">
        <thead>
          <tr>
            <th scope="col">Alert</th>
            <th scope="col">Began</th>
            <th scope="col">Ended</th>
            <th scope="col">Distance</th>
            <th scope="col">Threshold</th>
          </tr>
        </thead>
        <tbody>
          {alerts.map(alert => (
            <tr key={alert.id} data-mlm="alert">
              <td className="mlm-alert-text">
                {plain(alertLine(alert))}
                {alert.against === 'window' && <span className="mlm-faint"> (since the window before)</span>}
              </td>
              <td>{time(alert.firstSeen)}</td>
              <td>{alert.endTime === undefined ? <strong>lasts</strong> : time(alert.endTime)}</td>
              <td className="mlm-number">{number(alert.distance)}</td>
              <td className="mlm-number">{number(alert.threshold)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** `taxi@3: zone=airport: miles: mean shifted by …`, as Python has it. */
export function alertLine({ version, subject, slice, text }: Alert): string {
  return [version ?? subject, slice, text].filter(Boolean).join(': ');
}

/** One feature at a time, large. */
function Charts({ charts }: { charts: readonly FeatureChart[] }) {
  const id = useId();
  const [chosen, choose] = useState<string>();
  const shown = charts.find(({ name }) => name === chosen) ?? charts[0];
  return (
    <div className="mlm-feature-chart" data-mlm="feature-chart">
      <label htmlFor={id}>Feature</label>{' '}
      <select id={id} data-mlm="feature-choice" value={shown?.name} onChange={event => choose(event.target.value)}>
        {charts.map(({ name }) => (
          <option key={name} value={name}>
            {plain(name)}
          </option>
        ))}
      </select>
      {shown && <HtmlView html={shown.html} />}
    </div>
  );
}
