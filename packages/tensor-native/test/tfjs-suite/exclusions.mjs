// Specs of tfjs-core's suite that do not run on `native`, each with its reason. An entry excludes every spec whose full
// name contains `name`. The list is empty: all pass.
//
// Outside it, tfjs's own choices: two specs of 4,232 (of `Switching cpu backends`) register themselves only where the
// backend is named cpu, and five are switched off in its source (`xit`).

/** @type {{ name: string, reason: string }[]} */
export const exclusions = [];
