/** JSON as a type: what may cross a thread, a socket or the database. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
