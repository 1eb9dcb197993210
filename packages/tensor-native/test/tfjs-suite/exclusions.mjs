// Specs of tfjs-core's suite that do not run on `native`, each with its reason. A string excludes every spec whose full
// name contains it.

/** @type {{ name: string, reason: string }[]} */
export const exclusions = [];
