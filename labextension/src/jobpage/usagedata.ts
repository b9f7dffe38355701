import { asProblem, type Client } from '../client';
import type { Problem, UsageSample } from '../types';
import { isGoneError } from './gone';

/** Beyond so many samples all are asked for again: the server puts older ones together as time goes by. */
const MOST_SAMPLES = 10_000;

/** What one job took of the machine: all at first, then what came since. */
export class UsageData {
  private _samples: readonly UsageSample[] | null = null;
  private _problem: Problem | null = null;

  constructor(
    private readonly _client: Client,
    readonly job: string
  ) {}

  /** By time; null before the first answer. */
  get samples(): readonly UsageSample[] | null {
    return this._samples;
  }

  /** Why the last look failed; what was read before stays. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Read what came since the last look; returns whether the server answered. */
  async look(): Promise<boolean> {
    const known = this._samples && this._samples.length <= MOST_SAMPLES ? this._samples : [];
    try {
      const found = (await this._client.usage(this.job, known.at(-1)?.time)).samples ?? [];
      // Whoever draws sees by the object that it is another one.
      this._samples = found.length > 0 || this._samples === null ? [...known, ...found] : this._samples;
      this._problem = null;
      return true;
    } catch (error) {
      this._problem = asProblem(error);
      return isGoneError(error);
    }
  }
}
