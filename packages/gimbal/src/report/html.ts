// Text that goes into a page.

const entities: { [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => entities[c] as string);

/** HTML that is already safe. */
export interface Html {
  html: string;
}

/** Template whose values are escaped, unless they are HTML already; lists are joined. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const parts = values.map((value) => {
    if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
    return 'html' in value ? value.html : value.map((v) => v.html).join('');
  });
  return { html: strings.map((s, i) => s + (parts[i] ?? '')).join('') };
}

/** Text that is HTML already: a drawing, a style sheet. */
export const raw = (text: string): Html => ({ html: text });

export const nothing: Html = { html: '' };
