/** What an operator ordered, in words for the log. */
import { formatEndpoint } from "../../model/address.ts";
import type { ServerSettings } from "../../model/server-settings.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import type { ControlRequest } from "./control-protocol.ts";

type ServerRequest = Extract<ControlRequest, { readonly command: "drain" | "undrain" | "weight" }>;

/** ` (weight 3)`: only what was given. */
function settingsWords(settings: ServerSettings): string {
  const given = Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return given.length === 0 ? "" : ` (${given.join(", ")})`;
}

function serverWords({ endpoint, service }: Pick<ServerRequest, "endpoint" | "service">): string {
  const where = service === undefined ? "every service" : formatServiceKey(service);
  return `${endpoint === undefined ? "every real server" : `real server ${formatEndpoint(endpoint)}`} of ${where}`;
}

/** What a request orders, for the log; undefined for one that only asks. */
export function orderWords(request: ControlRequest): string | undefined {
  switch (request.command) {
    case "status":
    case "checks":
    case "history":
    case "heartbeats":
    case "kept":
    case "applied":
      return undefined;
    case "drain":
    case "undrain":
      return `${request.command} ${serverWords(request)}`;
    case "weight":
      return `weight ${request.weight} for ${serverWords(request)}`;
    case "keep": {
      const { kind } = request.order;
      const settings = "settings" in request.order ? settingsWords(request.order.settings) : "";
      return kind === "reset" ? `reset ${serverWords(request)}` : `${kind} ${serverWords(request)} --keep${settings}`;
    }
    case "hold":
      return request.on ? "hold automatic fail-back" : "end the hold of automatic fail-back";
    case "take":
      return request.force ? "take by force" : "take";
    case "reload":
      return request.force ? "reload by force" : "reload";
    case "switch":
    case "release":
      return request.command;
  }
}
