import { PageConfig } from '@jupyterlab/coreutils';

/** Whether a notebook of this server, by its path below the server's root, is the one that a kernel knew by its own path. */
export function isSameNotebook(kernelPath: string | null | undefined, path: string): boolean {
  return !!kernelPath && (kernelPath === path || kernelPath.endsWith(`/${path}`));
}

/**
 * Where below the server's root a notebook may lie that a kernel knew by its own path, the likeliest first.
 *
 * The server tells its root with `~` for the home folder, which only it could resolve.
 */
export function candidates(kernelPath: string): string[] {
  const root = PageConfig.getOption('serverRoot').replace(/\/+$/, '');
  if (root.startsWith('/') && kernelPath.startsWith(`${root}/`)) {
    return [kernelPath.slice(root.length + 1)];
  }
  const words = kernelPath.split('/').filter(Boolean);
  return words.map((_, at) => words.slice(at).join('/'));
}
