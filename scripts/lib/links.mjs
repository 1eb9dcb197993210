// Links of the pages as a repository's host shows them: files, with what stands below their headings.
import { posix } from 'node:path';

/** What a host makes of a heading: lower case, hyphens for spaces, no other punctuation. */
const anchorOf = (heading) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

/** The page without code, in which nothing is a link. */
const prose = (markdown) => markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/(`+)[\s\S]+?\1/g, 'x');

function anchors(markdown) {
  const headings = [...markdown.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ +(.+)$/gm)];
  return new Set(headings.map(([, text]) => anchorOf(text)));
}

/**
 * @param {ReadonlyMap<string, string>} pages text of each page by its path from the root, with `/`
 * @param {(path: string) => boolean} exists whether a file or folder is there, by its path from the root
 * @returns {string[]} one sentence for each link within the repository that leads nowhere
 */
export function deadLinks(pages, exists) {
  const complaints = [];
  for (const [page, text] of pages) {
    for (const [, inText, inTag] of prose(text).matchAll(/\]\(([^)\s]+)\)|\b(?:href|src)="([^"]+)"/g)) {
      const link = inText ?? inTag;
      // another site, or a page that only ours has
      if (/^[a-z]+:|^\/[^#]*\.html$/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path === '' ? page : posix.join(posix.dirname(page), path);
      if (path.startsWith('/')) complaints.push(`${page}: ${link} is a place on the site alone: make it relative`);
      else if (!exists(target)) complaints.push(`${page}: ${link} leads nowhere: there is no ${target}`);
      else if (anchor !== undefined && pages.has(target) && !anchors(pages.get(target)).has(anchor))
        complaints.push(`${page}: ${link} leads nowhere: ${target} has no such heading`);
    }
  }
  return complaints;
}
