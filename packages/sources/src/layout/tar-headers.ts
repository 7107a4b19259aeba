/** What one header of a tar archive says. */
export interface TarHeader {
  /** `extension`: it says something about the next header; `nothing`: links and devices. */
  readonly kind: "file" | "directory" | "extension" | "nothing";
  /** Bytes that follow it. */
  readonly size: number;
  readonly type: string;
  readonly name: string;
}

/** Makes the error that says why an archive is refused. */
type Refusal = (why: string) => Error;

/** Reads 512 bytes as a header. Throws what `refusal` makes. */
export function tarHeader(bytes: Uint8Array, refusal: Refusal): TarHeader {
  // Some readers pass over such a header alone, and find headers in what it says are its contents.
  if (!isWhole(bytes)) throw refusal("a header's checksum is wrong (is it compressed? unpack it first)");
  const size = sizeIn(bytes, refusal);
  const type = String.fromCharCode(bytes[156] ?? 0);
  const kind = kindOf(type);
  // Half of all readers skip what follows such a header, the others read on in it.
  if ((kind === "directory" || "123456".includes(type)) && size > 0) {
    throw refusal("a directory, link or device has contents");
  }
  return { kind, size, type, name: plainName(bytes) };
}

/** Whether a header's bytes add up to its checksum, which counts as blanks. */
function isWhole(header: Uint8Array): boolean {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return Number.parseInt(textIn(header, 148, 8).trim(), 8) === sum;
}

function kindOf(type: string): TarHeader["kind"] {
  if (type === "0" || type === "\0") return "file";
  if (type === "5") return "directory";
  return "Lxg".includes(type) ? "extension" : "nothing";
}

function sizeIn(header: Uint8Array, refusal: Refusal): number {
  if (((header[124] ?? 0) & 0x80) !== 0) throw refusal("a member is over 8 GiB");
  const digits = textIn(header, 124, 12).trim();
  if (!/^[0-7]{1,12}$/.test(digits)) throw refusal("a header has no size");
  return Number.parseInt(digits, 8);
}

function plainName(header: Uint8Array): string {
  const name = textIn(header, 0, 100);
  const prefix = textIn(header, 257, 5) === "ustar" ? textIn(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** The names of members, of which the headers before may have said more. */
export interface TarNames {
  /** Takes in the contents of an `extension`. */
  extend(header: TarHeader, contents: Uint8Array): void;
  /** The name of the member that this header is about, relative to the archive's root. */
  nameOf(header: TarHeader): string;
}

/** Names as GNU (`L`) and pax (`x`, `g` for all that follow) extensions give them. `refusal` makes what is thrown. */
export function tarNames(refusal: Refusal): TarNames {
  let longName: string | undefined;
  return {
    extend({ type }, contents) {
      if (type === "L") {
        longName = textIn(contents, 0, contents.length);
        return;
      }
      const records = paxRecords(contents);
      if (records === undefined) throw refusal("a pax header cannot be read");
      // It counts in place of the header's own, and says where the next header is.
      if (records.has("size")) throw refusal("a member is over 8 GiB");
      // Who knows of them takes the name, and where the contents are, from there.
      if ([...records.keys()].some((key) => key.startsWith("GNU.sparse.")))
        throw refusal("a member is sparse");
      if (type === "x") longName = records.get("path") ?? longName;
      else if (records.has("path")) throw refusal("a header gives all members one name");
    },
    nameOf({ name }) {
      const given = longName ?? name;
      longName = undefined;
      return given.replace(/^(?:\.?\/)+/, "");
    },
  };
}

/** `<length> <keyword>=<value>\n`, the length in bytes over all of it: a value may hold what looks like another record. */
function paxRecords(bytes: Uint8Array): ReadonlyMap<string, string> | undefined {
  const all = Buffer.from(bytes);
  const records = new Map<string, string>();
  for (let at = 0; at < all.length; ) {
    const space = all.indexOf(" ", at);
    const digits = space < 0 || space - at > 6 ? "" : all.toString("latin1", at, space);
    const end = /^[1-9]\d*$/.test(digits) ? at + Number(digits) : 0;
    if (end <= space || end > all.length || all[end - 1] !== 0x0a) return undefined;
    const record = all.toString("utf8", space + 1, end - 1);
    const equals = record.indexOf("=");
    if (equals < 1) return undefined;
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

function textIn(bytes: Uint8Array, start: number, length: number): string {
  const field = Buffer.from(bytes.subarray(start, start + length));
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}
