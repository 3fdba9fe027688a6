/** The version of all programs; the same as in package.json, which is not there at run time. */
export const flotillaVersion = '0.1.0';
