// Which public names a page tells of: what stands in it as code, in a block or between back-quotes.

/**
 * @param {string} markdown
 * @returns {Set<string>} every identifier of the page's code
 */
export function namesIn(markdown) {
  const names = new Set();
  const take = (code) => {
    for (const [name] of code.matchAll(/[\p{L}_$][\p{L}\p{N}_$]*/gu)) names.add(name);
  };
  const prose = markdown.replace(/^(`{3,})[^\n]*\n([\s\S]*?)^\1/gm, (_, __, code) => {
    take(code);
    return '';
  });
  for (const [, , code] of prose.matchAll(/(`+)([\s\S]+?)\1/g)) take(code);
  return names;
}

/**
 * @param {Iterable<string>} names public names; those of a namespace as `schedules.cosine`
 * @param {string} markdown the pages that should tell of them
 * @returns {string[]} those of which no part of the pages' code is the last word
 */
export function untold(names, markdown) {
  const told = namesIn(markdown);
  return [...names].filter((name) => !told.has(name.slice(name.lastIndexOf('.') + 1)));
}
