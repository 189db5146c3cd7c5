/** Digests of all settings, a few at a time, so that no heartbeat is late for them. */
import type { Config } from "../../config/keys/config.ts";
import { settingDigests } from "../../config/render/setting-digests.ts";
import type { SettingDigest } from "../../model/setting-digest.ts";

/** Settings that are digested at a time: some 2 ms of work on a slow machine (tried with 16,000 settings in 0.5 s). */
const AT_A_TIME = 64;
/** Between two of those the daemon does everything else. */
const PAUSE_MS = 5;

/** Digests the settings of a configuration beside the work of the daemon, a few at a time. */
export class SettingDigester {
  #timer: NodeJS.Timeout | undefined;

  /** Begins anew with this configuration. @param done is called once, unless this is started again or stopped before. */
  start(config: Config, keys: readonly Uint8Array[], done: (digests: readonly SettingDigest[]) => void): void {
    this.stop();
    const work = settingDigests(config, keys);
    const go = () => {
      for (let count = 0; count < AT_A_TIME; count += 1) {
        const { done: isWhole, value } = work.next();
        if (isWhole === true) {
          done(value);
          return;
        }
      }
      this.#timer = setTimeout(go, PAUSE_MS);
    };
    this.#timer = setTimeout(go, PAUSE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
