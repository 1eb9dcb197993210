/** For `.catch`: undefined for what is not there. No permission, a failing disk or another kind of file is an error. */
export function undefinedIfAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
