/** The hidden first argument that makes the binary a balancer: `tandem balancer-process STATE_DIR`. */
export const BALANCER_ARGUMENT = "balancer-process";
