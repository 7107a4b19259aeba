/**
 * An address as people may read it: a user and a password in it stay with who wrote it. What is no address of that sort stays
 * as it is.
 */
export function withoutUserInfo(address: string): string {
  return address.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)[^/?#\s]*@/i, "$1");
}
