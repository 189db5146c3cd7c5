import { type Decoder, oneOf, parsedText, record } from "../../lib/plain-data.ts";
import { type IpAddress, parseAddress } from "../../model/address.ts";

export const family = oneOf(["inet", "inet6"]);

/** An address of the model, read again from its text. */
export const ipAddress: Decoder<IpAddress> = (value) => {
  const given = record({ family, text: parsedText(parseAddress) })(value);
  return given.text;
};
