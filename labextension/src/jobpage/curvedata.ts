import { asProblem, type Client } from '../client';
import type { Problem, Series } from '../types';
import { isGoneError } from './gone';

/** The points of a scalar; the three lists are equally long. */
export interface Points {
  steps: number[];
  values: number[];
  /** Seconds since 1970. */
  times: number[];
}

/** Beyond so many points of one scalar all are asked for again, of which the server sends a part. */
const MOST_POINTS = 5_000;

/** The scalars of one job: all at first, then what came since. */
export class CurveData {
  private readonly _scalars = new Map<string, Points>();
  private _cursor: string | undefined;
  private _isRead = false;
  private _problem: Problem | null = null;
  private _isGone = false;

  constructor(
    private readonly _client: Client,
    readonly job: string
  ) {}

  /** By Keras's names: `loss`, `val_loss`. */
  get scalars(): ReadonlyMap<string, Points> {
    return this._scalars;
  }

  /** Whether the first answer is there. */
  get isRead(): boolean {
    return this._isRead;
  }

  /** Why the last look failed; what was read before stays. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Whether there is no such job any more: no look will bring anything. */
  get isGone(): boolean {
    return this._isGone;
  }

  /** Read what came since the last look; returns whether anything did. */
  async look(): Promise<boolean> {
    try {
      const found = await this._client.curves(this.job, this._cursor);
      const isNews = !this._isRead || this._problem !== null || (found.series ?? []).some(each => each.steps?.length);
      this._problem = null;
      this._isRead = true;
      if (found.isWhole) {
        this._scalars.clear();
      }
      (found.series ?? []).forEach(series => this._add(series));
      this._cursor = this._isTooLong() ? undefined : found.cursor;
      return isNews;
    } catch (error) {
      this._problem = asProblem(error);
      this._isGone = isGoneError(error);
      return true;
    }
  }

  private _add(series: Series): void {
    const known = this._scalars.get(series.name) ?? { steps: [], values: [], times: [] };
    // Others hold what was there before: whoever draws sees by the object that it is another one.
    this._scalars.set(series.name, {
      steps: known.steps.concat(series.steps ?? []),
      values: known.values.concat((series.values ?? []).map(Number)),
      times: known.times.concat((series.times ?? []).map(Number))
    });
  }

  private _isTooLong(): boolean {
    return [...this._scalars.values()].some(points => points.steps.length > MOST_POINTS);
  }
}
