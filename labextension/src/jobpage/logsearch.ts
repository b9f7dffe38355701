import { Signal, type ISignal } from '@lumino/signaling';

import { asProblem, type Client } from '../client';
import type { Problem, Severity } from '../types';

/** What is looked for; nothing at all is everything. */
export interface LogQuery {
  text: string;
  severity: Severity | '';
  isCaseSensitive: boolean;
}

const LIMIT = 1_000;

/** Where something occurs in a log: the first thousand places, and more when they are asked for. */
export class LogSearch {
  private readonly _changed = new Signal<this, void>(this);
  private _query: LogQuery = { text: '', severity: '', isCaseSensitive: false };
  private _lines: number[] = [];
  private _next = 0;
  private _file = '';
  private _hasMore = false;
  private _isAsking = false;
  private _generation = 0;
  private _problem: Problem | null = null;

  constructor(
    private readonly _client: Client,
    private readonly _job: string,
    private readonly _replica: string
  ) {}

  /** The search began, or found something. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get query(): LogQuery {
    return this._query;
  }

  /** Whether there is something to look for. */
  get isOn(): boolean {
    return this._query.text !== '' || this._query.severity !== '';
  }

  /** The numbers of the lines, from 0, in order. */
  get lines(): readonly number[] {
    return this._lines;
  }

  /** Whether there are more than those that are known. */
  get hasMore(): boolean {
    return this._hasMore;
  }

  get isAsking(): boolean {
    return this._isAsking;
  }

  get problem(): Problem | null {
    return this._problem;
  }

  /** Look for something else, from the beginning of the log. */
  async ask(query: LogQuery): Promise<void> {
    this._query = query;
    this._generation++;
    this._lines = [];
    this._next = 0;
    this._hasMore = false;
    this._isAsking = false;
    this._problem = null;
    if (this.isOn) {
      await this.more();
    } else {
      this._changed.emit();
    }
  }

  /** Look on behind what was found, also in lines that came since. */
  async more(): Promise<void> {
    if (!this.isOn || this._isAsking) {
      return;
    }
    const generation = this._generation;
    this._isAsking = true;
    this._changed.emit();
    try {
      const found = await this._look();
      if (generation === this._generation && this._isOther(found.file)) {
        void this.ask(this._query);
      } else if (generation === this._generation) {
        const last = this._lines.at(-1) ?? -1;
        this._lines = [...this._lines, ...(found.lines ?? []).filter(line => line > last)];
        this._hasMore = found.hasMore;
        // The last line may not be whole yet.
        this._next = Math.max(this._next, this._next + found.total - (found.hasMore ? 0 : 1));
        this._problem = null;
      }
    } catch (error) {
      if (generation === this._generation) {
        this._problem = asProblem(error);
      }
    }
    if (generation === this._generation) {
      this._isAsking = false;
      this._changed.emit();
    }
  }

  /** Whether what was found before stands in another file: the log was begun anew. */
  private _isOther(file: string): boolean {
    const isOther = this._next > 0 && file !== this._file;
    this._file = file;
    return isOther;
  }

  private _look(): ReturnType<Client['searchLog']> {
    const { text, severity, isCaseSensitive } = this._query;
    return this._client.searchLog(this._job, this._replica, {
      ...(text ? { text } : {}),
      ...(severity ? { severity } : {}),
      ...(isCaseSensitive ? { case: true } : {}),
      from: this._next,
      limit: LIMIT
    });
  }
}
