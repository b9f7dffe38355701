import type { Predictions } from '../client';
import { duration, number, plural } from '../panel/formats';
import type { Float, Signature } from '../types';

const MOST_ROWS = 200;
const MOST_CLASSES = 5;

export interface Answer extends Predictions {
  /** How long it took, the way to the server included. */
  milliseconds: number;
}

/** What a model answered: a row for each instance. */
export function AnswerTable({ answer, signature }: { answer: Answer; signature: Signature }) {
  const rows = answer.predictions.map(each => (isObject(each) ? each : { prediction: each }));
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const labels = new Map((signature.outputs ?? []).map(output => [output.name, output.labels]));
  const left = rows.length - MOST_ROWS;
  return (
    <div className="mlm-answer" data-mlm="answer">
      <div className="mlm-faint" role="status">
        {answer.version} answered in {tookText(answer.milliseconds)}.
      </div>
      <div className="mlm-table-frame">
        <table className="mlm-table">
          <thead>
            <tr>
              {rows.length > 1 && <th scope="col">#</th>}
              {names.map(name => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map((row, at) => (
              <tr key={at}>
                {rows.length > 1 && <td className="mlm-faint">{at + 1}</td>}
                {names.map(name => (
                  <td key={name}>{cellText(row[name], labels.get(name))}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {left > 0 && <div className="mlm-faint">and {plural(left, 'row')} more</div>}
    </div>
  );
}

function tookText(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : duration(milliseconds / 1_000);
}

/** A value to be read; of numbers for classes the highest, by the classes' names. */
function cellText(value: unknown, labels: readonly string[] | undefined): string {
  if (typeof value === 'number') {
    return number(value);
  }
  if (value === null || value === undefined) {
    return '—';
  }
  if (!Array.isArray(value)) {
    return typeof value === 'string' ? value : JSON.stringify(value);
  }
  if (labels?.length === value.length) {
    return classesText(value, labels);
  }
  const told = value.slice(0, MOST_CLASSES * 2).map(each => cellText(each, undefined));
  return `[${told.join(', ')}${value.length > told.length ? `, … ${value.length} in all` : ''}]`;
}

function classesText(values: readonly Float[], labels: readonly string[]): string {
  const order = values.map((_, at) => at).sort((a, b) => Number(values[b]) - Number(values[a]));
  const told = order.slice(0, MOST_CLASSES).map(at => `${labels[at]} ${number(values[at]!)}`);
  return told.join(', ') + (order.length > told.length ? ', …' : '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
