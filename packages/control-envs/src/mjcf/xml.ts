/** MJCF as a tree of elements, written with every digit of every number. */

export type AttributeValue = string | number | boolean | readonly number[];

export interface XmlElement {
  readonly tag: string;
  readonly attributes: { readonly [name: string]: AttributeValue };
  readonly children: readonly XmlElement[];
}

/** An element; children that are undefined are left out. */
export function el(
  tag: string,
  attributes: { readonly [name: string]: AttributeValue | undefined } = {},
  children: readonly (XmlElement | undefined)[] = [],
): XmlElement {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return {
    tag,
    attributes: Object.fromEntries(given) as XmlElement['attributes'],
    children: children.filter((child) => child !== undefined),
  };
}

/** The text of a tree, two spaces a level. */
export function writeXml(element: XmlElement, indent = ''): string {
  const attributes = Object.entries(element.attributes)
    .map(([name, value]) => ` ${name}="${escapeText(writeValue(value))}"`)
    .join('');
  const open = `${indent}<${element.tag}${attributes}`;
  if (element.children.length === 0) return `${open}/>\n`;
  const inner = element.children.map((child) => writeXml(child, `${indent}  `)).join('');
  return `${open}>\n${inner}${indent}</${element.tag}>\n`;
}

/** Every element of a tree, parents first. */
export function* walk(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* walk(child);
}

function writeValue(value: AttributeValue): string {
  return typeof value === 'object' ? value.join(' ') : String(value);
}

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
