import { Signal, type ISignal } from '@lumino/signaling';

import { asProblem, type Client } from '../client';
import type { LogLine, LogLines, Problem } from '../types';
import { isGoneError } from './gone';

/** Lines that are read at once: about two screens, for with a filter each line in sight may stand in another chunk. */
const CHUNK = 100;
/** Of the end, with which a log is opened: as much as the highest screen shows. */
const FIRST = 200;
/** Chunks that are kept, many more than can be in sight; those that were not looked at for longest go first. */
const MOST_CHUNKS = 200;

/**
 * The lines of one log, as far as they were looked at.
 *
 * What is in sight is asked for by chunks, one request at a time: after a long scroll only the place where it ended is
 * read, not all that flew by. What was read is kept, but not without end: a log may have millions of lines.
 */
export class LogCache {
  private readonly _chunks = new Map<number, (LogLine | undefined)[]>();
  private readonly _changed = new Signal<this, void>(this);
  private _wanted: number[] = [];
  private _asking: Promise<void> | null = null;
  private _total = 0;
  private _sizeBytes = 0;
  private _file = '';
  private _isOpened = false;
  private _beginnings = 0;
  private _problem: Problem | null = null;
  private _isGone = false;

  constructor(
    private readonly _client: Client,
    readonly job: string,
    readonly replica: string
  ) {}

  /** Lines came, or there are more of them. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get total(): number {
    return this._total;
  }

  get sizeBytes(): number {
    return this._sizeBytes;
  }

  /** Whether the first answer is there. */
  get isOpened(): boolean {
    return this._isOpened;
  }

  /** Another number after the log was begun anew: what was known of it means nothing then. */
  get beginnings(): number {
    return this._beginnings;
  }

  /** Why the last request failed; what was read before stays. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Whether that was because there is no such log any more. */
  get isGone(): boolean {
    return this._isGone;
  }

  /** The line with a number from 0; undefined while it is not read. */
  line(number: number): LogLine | undefined {
    return this._chunks.get(Math.floor(number / CHUNK))?.[number % CHUNK];
  }

  /** Read the end, or what came since; a request that is under way is waited for, as it may be older. */
  async follow(): Promise<void> {
    await this._turn(() =>
      // The last line may have grown since, as that of a progress bar does.
      this._isOpened ? this._read(Math.max(0, this._total - 1), CHUNK) : this._read(-FIRST, FIRST)
    );
    await this._readWanted();
  }

  /** Say which lines are in sight, so that they are read. */
  want(numbers: readonly number[]): void {
    const missing = numbers.filter(number => number < this._total && this.line(number) === undefined);
    this._wanted = chunksOf(missing);
    chunksOf(numbers).forEach(chunk => this._touch(chunk));
    void this._readWanted();
  }

  private async _readWanted(): Promise<void> {
    while (!this._asking && this._wanted.length > 0) {
      const chunk = this._wanted.shift()!;
      await this._turn(() => this._read(chunk * CHUNK, CHUNK));
      if (this._problem) {
        // It stays wanted: who tries again wants what is in sight.
        this._wanted.unshift(chunk);
        return;
      }
    }
  }

  private async _turn(read: () => Promise<void>): Promise<void> {
    while (this._asking) {
      await this._asking;
    }
    this._asking = read();
    await this._asking;
    this._asking = null;
  }

  private async _read(first: number, count: number): Promise<void> {
    try {
      const found = await this._client.logLines(this.job, this.replica, first, count);
      this._put(found);
    } catch (error) {
      this._problem = asProblem(error);
      this._isGone = isGoneError(error);
      this._changed.emit();
    }
  }

  private _put({ first, lines = [], total, sizeBytes, file }: LogLines): void {
    if (this._isOpened && file !== this._file) {
      // It was begun anew, as by another attempt.
      this._chunks.clear();
      this._beginnings++;
    }
    const isNews =
      this._problem !== null ||
      !this._isOpened ||
      total !== this._total ||
      sizeBytes !== this._sizeBytes ||
      this._isNew(first, lines);
    this._problem = null;
    this._isOpened = true;
    this._file = file;
    this._total = total;
    this._sizeBytes = sizeBytes;
    lines.forEach((line, index) => this._keep(first + index, line));
    if (isNews) {
      this._changed.emit();
    }
  }

  private _isNew(first: number, lines: readonly LogLine[]): boolean {
    return lines.some((line, index) => this.line(first + index)?.text !== line.text);
  }

  private _keep(number: number, line: LogLine): void {
    const at = Math.floor(number / CHUNK);
    this._touch(at);
    const chunk = this._chunks.get(at) ?? [];
    chunk[number % CHUNK] = line;
    this._chunks.set(at, chunk);
    if (this._chunks.size > MOST_CHUNKS) {
      this._chunks.delete(this._chunks.keys().next().value!);
    }
  }

  /** The map's order is that of last use. */
  private _touch(at: number): void {
    const chunk = this._chunks.get(at);
    if (chunk) {
      this._chunks.delete(at);
      this._chunks.set(at, chunk);
    }
  }
}

function chunksOf(numbers: readonly number[]): number[] {
  return [...new Set(numbers.map(number => Math.floor(number / CHUNK)))];
}
