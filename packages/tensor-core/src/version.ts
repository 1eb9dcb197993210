/** Set by the build (tsup.config.ts) from package.json. */
declare const GIMBAL_VERSION: string | undefined;

/** The version of this package, or 'source' where it runs unbuilt: checkpoints say which code wrote them. */
export const version: string = typeof GIMBAL_VERSION === 'string' ? GIMBAL_VERSION : 'source';
