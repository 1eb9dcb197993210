/** What default classes say about an element, as MuJoCo reads them: a nested class has its parent's attributes too. */
import type { XmlElement } from '../mjcf/xml.ts';

type Attributes = XmlElement['attributes'];

/** Attributes that elements of a tag have by a class; without a class, or an unknown one, by the main one. */
export type DefaultsOf = (tag: string, className?: string) => Attributes;

/** @param main children of the main class */
export function defaultsOf(main: readonly XmlElement[]): DefaultsOf {
  const classes = new Map<string, ReadonlyMap<string, Attributes>>();
  const collect = (name: string, elements: readonly XmlElement[], parents: ReadonlyMap<string, Attributes>): void => {
    const own = new Map(parents);
    for (const { tag, attributes } of elements) {
      if (tag !== 'default') own.set(tag, { ...own.get(tag), ...attributes });
    }
    classes.set(name, own);
    for (const { tag, attributes, children } of elements) {
      if (tag === 'default') collect(String(attributes.class), children, own);
    }
  };
  collect('main', main, new Map());
  return (tag, className = 'main') => (classes.get(className) ?? classes.get('main'))?.get(tag) ?? {};
}

/** The class of the elements in this one, unless they name their own: `childclass`, or that of a class itself. */
export function classWithin({ tag, attributes }: XmlElement, outer: string | undefined): string | undefined {
  const own = tag === 'default' ? attributes.class : attributes.childclass;
  return own === undefined ? outer : String(own);
}

/** The class of an element in whose surroundings `outer` holds. */
export const classOf = ({ attributes }: XmlElement, outer: string | undefined): string | undefined =>
  attributes.class === undefined ? outer : String(attributes.class);
