/**
 * `Symbol.dispose` where it is missing: in browsers that lack explicit resource management, and before Node 20.5. Must be
 * the first import of an entry: a class takes its method's key when it is defined, and without the symbol `using` finds
 * no such method. The stand-in is the one that compilers of `using` look for.
 */
(Symbol as { dispose?: symbol }).dispose ??= Symbol.for('Symbol.dispose');
