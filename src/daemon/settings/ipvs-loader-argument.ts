/** The hidden first argument that makes the binary load IPVS and end: `tandem ipvs-loader-process`. */
export const IPVS_LOADER_ARGUMENT = "ipvs-loader-process";
