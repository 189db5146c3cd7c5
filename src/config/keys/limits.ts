/** Limits of a table of services, apart from its schema, which takes long to load. */

/** Four times the largest table that a peer of ours publishes figures of. */
export const MAX_SERVICES = 10_000;
/** Real servers of one service. */
export const MAX_SERVERS = 10_000;
