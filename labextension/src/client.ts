import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type * as wire from './types';

/** A request that the server refused, or that did not reach it. */
export class ProblemError extends Error {
  constructor(
    readonly problem: wire.Problem,
    /** The HTTP status; 0 where there was no answer. */
    readonly status: number
  ) {
    super(problem.message);
    this.name = 'ProblemError';
  }
}

/** Which jobs a list shows. */
export interface JobQuery {
  filter?: string;
  sortBy?: string;
  limit?: number;
  offset?: number;
  trials?: boolean;
  ids?: readonly string[];
}

/** What a version answers to instances. */
export interface Predictions {
  predictions: unknown[];
  version: string;
}

type Query = Record<string, string | number | boolean | undefined>;

/** The routes of the server extension, one method each. Every method throws `ProblemError`. */
export class Client {
  /** Asks the user whether something may cost what a line says. Nobody can be asked before the panels are there. */
  agrees: (cost: string) => Promise<boolean> = () => Promise.resolve(false);

  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  jobs(query: JobQuery = {}): Promise<wire.JobRows> {
    return this.get(['jobs'], { ...query, ids: query.ids?.join(',') });
  }

  job(id: string): Promise<wire.JobDescription> {
    return this.get(['jobs', id]);
  }

  jobRow(id: string): Promise<wire.JobRow> {
    return this.get(['jobs', id, 'row']);
  }

  jobPage(id: string): Promise<wire.Page> {
    return this.get(['jobs', id, 'page']);
  }

  compareJobs(ids: readonly string[]): Promise<wire.Page> {
    return this.get(['jobs', 'compare'], { ids: ids.join(',') });
  }

  checkpoints(id: string): Promise<wire.Checkpoints> {
    return this.get(['jobs', id, 'checkpoints']);
  }

  async packageFiles(id: string): Promise<wire.PackageFile[]> {
    return (await this.get<{ files: wire.PackageFile[] }>(['jobs', id, 'package'])).files;
  }

  async packageFile(id: string, path: string): Promise<string> {
    return (await this.get<{ text: string }>(['jobs', id, 'package', ...path.split('/')])).text;
  }

  cancelJob(id: string): Promise<wire.JobRow> {
    return this.send('POST', ['jobs', id, 'cancel']);
  }

  rerunJob(id: string, programArguments?: readonly string[]): Promise<wire.JobRow> {
    return this.send('POST', ['jobs', id, 'rerun'], programArguments ? { arguments: programArguments } : {});
  }

  deleteJob(id: string): Promise<void> {
    return this.send('DELETE', ['jobs', id]);
  }

  async logs(id: string): Promise<wire.LogSource[]> {
    return (await this.get<{ sources: wire.LogSource[] }>(['jobs', id, 'logs'])).sources;
  }

  /** Lines of a log; a negative `first` counts from its end. At most 2,000 at once. */
  logLines(id: string, replica: string, first: number, count: number): Promise<wire.LogLines> {
    return this.get(['jobs', id, 'logs', replica], { first, count });
  }

  searchLog(
    id: string,
    replica: string,
    query: { text?: string; severity?: wire.Severity; case?: boolean; from?: number; limit?: number }
  ): Promise<wire.LogMatches> {
    return this.get(['jobs', id, 'logs', replica, 'search'], query);
  }

  curves(id: string, cursor?: string): Promise<wire.Curves> {
    return this.get(['jobs', id, 'curves'], { cursor });
  }

  usage(id: string, after?: string): Promise<wire.Usage> {
    return this.get(['jobs', id, 'usage'], { after });
  }

  async models(): Promise<wire.ModelRow[]> {
    return (await this.get<{ models: wire.ModelRow[] }>(['models'])).models;
  }

  model(name: string): Promise<{ page: wire.Page; model: wire.Model }> {
    return this.get(['models', name]);
  }

  version(name: string, number: number): Promise<{ page: wire.Page; version: wire.ModelVersion }> {
    return this.get(['models', name, 'versions', String(number)]);
  }

  setDefault(name: string, version: number): Promise<wire.ModelRow> {
    return this.send('POST', ['models', name, 'default'], { version });
  }

  /** Remove a version, or the model with all of them. */
  deleteModel(name: string, version?: number): Promise<void> {
    return this.send('DELETE', version === undefined ? ['models', name] : ['models', name, 'versions', `${version}`]);
  }

  predict(name: string, version: number, instances: readonly unknown[]): Promise<Predictions> {
    return this.send('POST', ['models', name, 'versions', `${version}`, 'predict'], { instances });
  }

  async endpoints(): Promise<wire.EndpointRow[]> {
    return (await this.get<{ endpoints: wire.EndpointRow[] }>(['endpoints'])).endpoints;
  }

  endpoint(name: string): Promise<{ page: wire.Page; endpoint: wire.EndpointRow }> {
    return this.get(['endpoints', name]);
  }

  monitoring(name: string): Promise<wire.MonitoringPage> {
    return this.get(['endpoints', name, 'monitoring']);
  }

  /** The alerts of an endpoint that last. */
  async alerts(name: string): Promise<wire.Alert[]> {
    return (await this.get<{ alerts: wire.Alert[] }>(['endpoints', name, 'alerts'])).alerts;
  }

  /** The alerts that last of jobs that look at files; each names its job. */
  async fileAlerts(): Promise<wire.Alert[]> {
    return (await this.get<{ alerts: wire.Alert[] }>(['alerts'])).alerts;
  }

  /** Set percentages by version; together they are 100. */
  setTraffic(name: string, shares: Readonly<Record<string, number>>): Promise<wire.EndpointRow> {
    return this.send('POST', ['endpoints', name, 'traffic'], { shares });
  }

  startEndpoint(name: string): Promise<wire.EndpointRow> {
    return this.send('POST', ['endpoints', name, 'start']);
  }

  stopEndpoint(name: string): Promise<wire.EndpointRow> {
    return this.send('POST', ['endpoints', name, 'stop']);
  }

  undeploy(name: string, version: number): Promise<wire.EndpointRow> {
    return this.send('POST', ['endpoints', name, 'undeploy'], { version });
  }

  /** Let an endpoint, which need not be there yet, serve a version; `traffic` is its percentage. */
  deploy(name: string, model: string, traffic?: number): Promise<wire.EndpointRow> {
    return this.send('POST', ['endpoints', name, 'deploy'], traffic === undefined ? { model } : { model, traffic });
  }

  deleteEndpoint(name: string): Promise<void> {
    return this.send('DELETE', ['endpoints', name]);
  }

  askEndpoint(name: string, instances: readonly unknown[]): Promise<Predictions> {
    return this.send('POST', ['endpoints', name, 'predict'], { instances });
  }

  async datasets(): Promise<wire.DatasetRow[]> {
    return (await this.get<{ datasets: wire.DatasetRow[] }>(['datasets'])).datasets;
  }

  dataset(name: string, version: number): Promise<{ page: wire.Page }> {
    return this.get(['datasets', name, 'versions', String(version)]);
  }

  /** Remove a version; `alsoFiles` are those that it has in a bucket. */
  deleteDataset(name: string, version: number, alsoFiles = false): Promise<void> {
    return this.send('DELETE', ['datasets', name, 'versions', String(version)], { alsoFiles });
  }

  async boards(): Promise<wire.BoardRow[]> {
    return (await this.get<{ boards: wire.BoardRow[] }>(['boards'])).boards;
  }

  /** Start a TensorBoard over jobs, or find the one that shows them. */
  openBoard(jobs: readonly string[], best?: number): Promise<wire.BoardRow> {
    return this.send('POST', ['boards'], best === undefined ? { jobs } : { jobs, best });
  }

  stopBoard(key: string): Promise<void> {
    return this.send('DELETE', ['boards', key]);
  }

  /** The stream of what happens, as the server answers it: also a refusal is an answer. */
  events(signal: AbortSignal): Promise<Response> {
    const init = { signal, headers: { Accept: 'text/event-stream' } };
    return ServerConnection.makeRequest(this.route(['events']), init, this.settings);
  }

  /** The address of a path below the server's base URL, such as a board's. */
  address(path: string): string {
    return URLExt.join(this.settings.baseUrl, path);
  }

  /** The address of a route. Its words are escaped: an id is no path. */
  route(words: readonly string[], query: Query = {}): string {
    const path = ['mlmagic', 'api', 'v1', ...words].map(encodeURIComponent).join('/');
    const known = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = known.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
    return URLExt.join(this.settings.baseUrl, path) + (text && `?${text}`);
  }

  private get<T>(words: readonly string[], query: Query = {}): Promise<T> {
    return this.request<T>(this.route(words, query), { method: 'GET' });
  }

  /** Ask the server to do something; where that costs money the user is asked first, and then it is sent once more. */
  private async send<T>(method: string, words: readonly string[], body?: object): Promise<T> {
    const post = (told?: object) =>
      this.request<T>(this.route(words), told === undefined ? { method } : { method, body: JSON.stringify(told) });
    try {
      return await post(body);
    } catch (error) {
      const cost = asProblem(error).cost;
      if (cost === undefined) {
        throw error;
      }
      if (!(await this.agrees(cost))) {
        throw new ProblemError({ message: 'Nothing was started.' }, 409);
      }
      return post({ ...body, yes: true });
    }
  }

  private async request<T>(url: string, init: RequestInit): Promise<T> {
    const { response, text } = await this.answer(url, init);
    if (!response.ok) {
      throw new ProblemError(readProblem(text, response), response.status);
    }
    if (response.status === 204) {
      return undefined as T;
    }
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new ProblemError(IMPOSTOR, response.status);
    }
  }

  /** What is only read is not waited for without end; what an action does, it may go on doing. */
  private async answer(url: string, init: RequestInit): Promise<{ response: Response; text: string }> {
    const isReading = init.method === 'GET';
    const limits: RequestInit = isReading ? { signal: AbortSignal.timeout(LONGEST_READ) } : {};
    try {
      const response = await ServerConnection.makeRequest(url, { ...init, ...limits }, this.settings);
      return { response, text: await response.text() };
    } catch {
      throw new ProblemError(SILENT, 0);
    }
  }
}

/** In milliseconds. */
const LONGEST_READ = 60_000;

const SILENT: wire.Problem = { message: 'The Jupyter server does not answer.', hint: 'Is it still running?' };

/** Such as a login page, or that of a proxy. */
const IMPOSTOR: wire.Problem = {
  message: 'Something else answered in place of the Jupyter server.',
  hint: 'Load this page again; log in if you are asked to.'
};

const HINTS: Readonly<Record<number, string>> = {
  401: 'You are not logged in any more. Load this page again to log in; what runs goes on.',
  403: 'You are not logged in any more, or may not do this. Load this page again to log in; what runs goes on.',
  404: 'Is mlmagic installed and enabled where the server runs? Then restart the server.'
};

function readProblem(text: string, response: Response): wire.Problem {
  try {
    const told = JSON.parse(text);
    if (typeof told.problem?.message === 'string') {
      return told.problem;
    }
  } catch {
    // A proxy, or a server without the extension, answers with a page of its own.
  }
  return {
    message: `The Jupyter server answered ${response.status} ${response.statusText}.`,
    hint: HINTS[response.status] ?? 'The log of the Jupyter server says more.'
  };
}

/** An error as one text, whatever it was. */
export function asProblem(error: unknown): wire.Problem {
  if (error instanceof ProblemError) {
    return error.problem;
  }
  return { message: error instanceof Error ? error.message : String(error) };
}
