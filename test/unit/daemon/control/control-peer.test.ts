import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { identify, UserNames, userNames } from "../../../../src/daemon/control/control-peer.ts";

test("userNames() reads passwd(5), passes over what is none of it, and keeps the first of two users with one number", () => {
  const text =
    "root:x:0:0:root:/root:/bin/bash\n\nnobody\n::5:5::/:\ntoor:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:\nx:y:-1:0\n";
  expect([...userNames(text)]).toEqual([
    [0, "root"],
    [1000, "alice"],
  ]);
});

test("identify() says nothing of a descriptor that is closed or no UNIX socket", () => {
  const file = openSync("/dev/null", "r");
  const said = [-1, file].map((descriptor) => identify(descriptor, new UserNames()));
  closeSync(file);
  expect(said).toEqual([{}, {}]);
});
