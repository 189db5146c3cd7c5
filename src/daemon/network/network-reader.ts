/** Keeps the picture of links, addresses and routes: reads it whole at the start and after lost events. */
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { type AddressEvent, NetworkMonitor } from "../../kernel/addresses/network-monitor.ts";
import { RouteClient, type RouteSurvey } from "../../kernel/addresses/route-client.ts";
import { RouteMonitor } from "../../kernel/addresses/route-monitor.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import type { NetworkPicture } from "./network-picture.ts";
import { type NetworkSurvey, surveyNetwork } from "./network-survey.ts";
import { RouteReader } from "./route-reader.ts";

export interface NetworkReaderOptions {
  readonly picture: NetworkPicture;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Has links and addresses read by a thread that may wait for the kernel; undefined: why they could not be read. */
  readonly survey: (done: (survey: NetworkSurvey | undefined, reason: string) => void) => void;
  /** The same for routes. */
  readonly readRoutes: (done: (routes: RouteSurvey | undefined, reason: string, elapsedMs: number) => void) => void;
  /** The picture has another link, one less, or one that has changed; or all of it was read anew. */
  readonly onLinks: () => void;
  /** The picture has another address, one less, or one that was there `before` has changed: each renewal is told. */
  readonly onAddress: (event: AddressEvent, before: InterfaceAddress | undefined) => void;
  /** An interface has another name now; its settings and addresses are the same. */
  readonly onRenamed: (before: string, after: string) => void;
  readonly onRoutes: (routes: RouteSurvey) => void;
  /** Settings of the kernel may have changed. */
  readonly onSettings: () => void;
  readonly onProblem: (message: string) => void;
}

/** Changes come in bursts; what is read anew because of them is read this long after the first. */
const REFRESH_AFTER_MS = 500;
/** The kernel could not be read (a table that changes too fast, no descriptor left): again after this. */
const REFRESH_RETRY_MS = 1_000;
/** What no event tells is looked at this often. */
const LOOK_EVERY_MS = 10_000;

/** Keeps a picture of links and addresses, and reads routes, as the kernel tells their changes. */
export class NetworkReader {
  readonly #options: NetworkReaderOptions;
  readonly #picture: NetworkPicture;
  readonly #routes: RouteReader;
  #monitor: NetworkMonitor | undefined;
  #routeMonitor: RouteMonitor | undefined;
  #refreshTimer: Timer | undefined;
  #lookTimer: Timer | undefined;
  #isSurveying = false;
  #isStale = false;
  #closed = false;

  constructor(options: NetworkReaderOptions) {
    this.#options = options;
    this.#picture = options.picture;
    const { readRoutes: read, onRoutes, onProblem, now } = options;
    this.#routes = new RouteReader({ read, onRoutes, onProblem, now });
  }

  /** Reads the whole state, and listens to its changes. Calls nobody back. */
  open(): RouteSurvey {
    // First the events, so that nothing can happen between them and the state.
    this.#monitor = NetworkMonitor.open({
      onLink: (link) => this.#linkChanged(link),
      onLinkGone: (link) => this.#linkGone(link),
      onAddress: (event) => this.#addressChanged(event),
      onForwarding: () => this.#options.onSettings(),
      onOverrun: () => this.refresh(),
    });
    this.#routeMonitor = new RouteMonitor(() => this.#routes.want());
    using links = LinkClient.open();
    using addresses = AddressClient.open();
    using routes = RouteClient.open();
    this.#take(surveyNetwork(links, addresses));
    this.#lookTimer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    return routes.survey();
  }

  /** Has all read anew, by the thread that may wait for it. */
  refresh(): void {
    this.#refreshIn(0);
    this.#routes.want();
  }

  /** Takes over at once what the kernel has told already. */
  catchUp(): void {
    this.#monitor?.drain();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refreshTimer);
    clearInterval(this.#lookTimer);
    this.#routes.close();
    this.#routeMonitor?.close();
    this.#monitor?.close();
    this.#monitor = undefined;
  }

  #look(): void {
    this.#routes.wantNowAndThen();
    this.#options.onSettings();
  }

  #take(survey: NetworkSurvey): void {
    this.#picture.take(survey);
    this.#monitor?.learn(survey.links);
  }

  /** Once for a burst of events; trouble with that is no reason to give the VIPs up. */
  #refreshIn(ms: number): void {
    if (this.#closed) return;
    if (this.#isSurveying) this.#isStale = true;
    else this.#refreshTimer ??= setTimeout(() => this.#survey(), ms);
  }

  #survey(): void {
    this.#refreshTimer = undefined;
    this.#isSurveying = true;
    this.#isStale = false;
    this.#picture.beginSurvey();
    this.#options.survey((survey, reason) => {
      this.#isSurveying = false;
      if (this.#closed) return;
      if (survey === undefined) {
        this.#picture.abandonSurvey();
        this.#options.onProblem(`${reason}; tried again soon`);
        this.#refreshIn(REFRESH_RETRY_MS);
        return;
      }
      this.#take(survey);
      this.#options.onLinks();
      // Something happened that the survey may have missed.
      if (this.#isStale) this.#refreshIn(REFRESH_AFTER_MS);
    });
  }

  #linkChanged(link: Link): void {
    const before = this.#picture.linkNumbered(link.index);
    this.#picture.setLink(link);
    if (before !== undefined && isLike(before, link)) return;
    // The labels of its addresses change with its name, without a word.
    if (before !== undefined && before.name !== link.name) {
      this.#refreshIn(REFRESH_AFTER_MS);
      this.#options.onRenamed(before.name, link.name);
    }
    // An interface that is switched off loses its IPv4 routes, without a word.
    if (before?.up === true && !link.up) this.#routes.want();
    this.#options.onLinks();
  }

  #linkGone(link: Link): void {
    if (this.#picture.linkNumbered(link.index)?.up === true) this.#routes.want();
    this.#picture.removeLink(link);
    this.#options.onLinks();
  }

  #addressChanged(event: AddressEvent): void {
    const { address, added } = event;
    const before = this.#picture.find(address);
    if (added) this.#picture.setAddress(address);
    else this.#picture.removeAddress(address);
    // With its last address an interface loses its IPv4 routes, without a word.
    if (!added && !this.#hasIpv4(address.interfaceIndex)) this.#routes.want();
    this.#options.onAddress(event, before);
  }

  #hasIpv4(index: number): boolean {
    return this.#picture.addresses.some((own) => own.interfaceIndex === index && own.prefix.address.family === "inet");
  }
}

/** Whether nothing has changed that matters here: the kernel repeats some messages, and tells of much else. */
function isLike(a: Link, b: Link): boolean {
  return a.name === b.name && a.mac === b.mac && a.up === b.up && a.carrier === b.carrier;
}
