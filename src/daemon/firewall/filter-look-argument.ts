/** The hidden first argument that makes the binary look at the packet filter and end: `tandem firewall-look-process`. */
export const FILTER_LOOK_ARGUMENT = "firewall-look-process";
