// lib: small tools without domain words.
// Knows nothing of units, machines or etcd, and imports nothing of ours.
// Start with result.ts and error.ts: they say how the rest of the code fails.

declare const brand: unique symbol;

/** A `T` that only its own parser can make: a `UnitName` is not just any string. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
