/** A setting of the configuration as two routers compare it: neither its name nor its value goes over the network. */
export interface SettingDigest {
  /** `pair.dead_after` */
  readonly name: string;
  /** Its place in the configuration, which tells the order in which people are told of it. */
  readonly place: number;
  /** 32 bits of a digest of the name. */
  readonly id: number;
  /** 32 bits of a digest of the value, for each key of the pair: whoever has no key can't try values until one fits. */
  readonly values: readonly number[];
}
