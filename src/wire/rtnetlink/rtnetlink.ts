/** What all messages of the route family share (linux/rtnetlink.h). */

export const RTM = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  getNeighbour: 30,
  newNetconf: 80,
  newNextHop: 104,
  deleteNextHop: 105,
} as const;

/** enum rtnetlink_groups: what a socket can listen to. */
export const RTNLGRP = {
  link: 1,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv6Address: 9,
  ipv6Route: 11,
  ipv4Netconf: 24,
  ipv6Netconf: 25,
  /** Since Linux 5.3. */
  nextHop: 32,
} as const;
