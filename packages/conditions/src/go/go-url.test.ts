import { describe, expect, test } from "vitest";
import { type GoUrl, hostName, parseUrl } from "./go-url.ts";

// What net/url of Go 1.26 answers.
describe("parseUrl", () => {
  test.each<[string, Partial<GoUrl>]>([
    [
      "HTTPS://u:p@h:8/%20x?#",
      { Scheme: "https", User: {}, Host: "h:8", Path: "/ x", RawPath: "", ForceQuery: true },
    ],
    ["https://a/b%2Fc", { Path: "/b/c", RawPath: "/b%2Fc" }],
    ["https://a/b%2fc?%zz", { Path: "/b/c", RawPath: "/b%2fc", RawQuery: "%zz" }],
    ["//h/p", { Scheme: "", Host: "h", Path: "/p", OmitHost: false }],
    ["///p", { Host: "", Path: "///p" }],
    ["file:/p", { Scheme: "file", Host: "", Path: "/p", OmitHost: true }],
    ["urn:x:y?q#f", { Scheme: "urn", Opaque: "x:y", RawQuery: "q", Fragment: "f" }],
    ["http://h#a%20b", { Fragment: "a b", RawFragment: "" }],
    ["http://h#%41", { Fragment: "A", RawFragment: "%41" }],
    ["http://h/%E4%BD", { Path: "/\uFFFD\uFFFD" }],
    ["http://h%e4%bd%a0", { Host: "h你" }],
    ["ftp://::1:80", { Host: "::1:80" }],
    ["*", { Path: "*" }],
  ])("reads %s", (text, fields) => {
    expect(parseUrl(text)).toMatchObject(fields);
  });

  test.each([
    "http://h/%zz",
    "http://h#%zz",
    "http://%41/",
    "http://a b@h/",
    "http://a b/",
    "http://a:b/",
    "http://a:1:2/",
    "http://[1.2.3.4]/",
    "http://[::1/",
    "http://x[::1]/",
    "http://[::1%25]/",
    "http://[fe80::1%eth0]/",
    "a:b/c\t",
    ":a",
    "1a:b",
  ])("refuses %s", (text) => {
    expect(parseUrl(text)).toBeUndefined();
  });

  test.each([
    ["http://[fe80::1%25eth0]:80/", "fe80::1%eth0"],
    ["http://h.x:80/", "h.x"],
    ["ftp://fe80::a:80", "fe80::a"],
  ])("the host of %s is %s", (text, host) => {
    const url = parseUrl(text);
    expect(url && hostName(url)).toBe(host);
  });
});
