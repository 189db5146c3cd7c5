/**
 * The names of all formats that are read and written. Nothing else is here, for the command table has them at each start
 * and needs no reader. Whoever handles a format does so by a table with a key for each name or by a switch over all of
 * them, so that the compiler finds every place that a new one needs.
 */

/** Files of other products that `config import` reads. */
export const FOREIGN_FORMATS = ["ipvsadm", "keepalived", "ldirectord", "piranha"] as const;
export type ForeignFormat = (typeof FOREIGN_FORMATS)[number];

/** How `service save` writes the kernel's table, and `service restore` reads it. */
export const SAVED_FORMATS = ["toml", "ipvsadm"] as const;
export type SavedFormat = (typeof SAVED_FORMATS)[number];
