/** What a group holds so far, and its last part, to which a repetition applies. */
interface Sizes {
  all: number;
  last: number;
}

const repetition = /\{(\d{1,9})(?:,(\d{0,9}))?\}/y;
/** What is nothing by itself: a repetition behind it applies to what stands before. */
const nothing = /\(\?[A-Za-z-]*\)|\\Q\\E/y;
const most = 1e9;

/**
 * About how many instructions an RE2 expression compiles to, found by reading it once: `(a|b){1000}` is a thousand times
 * as much as it looks. Rather too many than too few; of what is no expression it says something.
 */
export function regexpSize(pattern: string): number {
  const groups: Sizes[] = [{ all: 0, last: 0 }];
  let current: Sizes = groups[0] as Sizes;
  const add = (size: number): void => {
    current.last = size;
    current.all = Math.min(current.all + size, most);
  };
  for (let at = 0; at < pattern.length; ) {
    repetition.lastIndex = at;
    const repeated = repetition.exec(pattern);
    const step = pattern[at];
    nothing.lastIndex = at;
    if (nothing.test(pattern)) at = nothing.lastIndex;
    else if (repeated !== null) {
      const times = Math.max(Number(repeated[1]), Number(repeated[2] ?? 0), 1);
      const before = current.last;
      current.all = Math.min(current.all + before * (times - 1), most);
      current.last = Math.min(before * times, most);
      at += repeated[0].length;
    } else if (step === "*" || step === "+" || step === "?") {
      current.all++;
      current.last++;
      at++;
    } else if (step === "(") {
      current = { all: 2, last: 0 };
      groups.push(current);
      at++;
    } else if (step === ")") {
      const { all } = groups.length > 1 ? (groups.pop() as Sizes) : { all: 0 };
      current = groups.at(-1) as Sizes;
      add(all);
      at++;
    } else {
      const end = partEnd(pattern, at);
      // Of a quoted text only the last character is what a repetition applies to: then this says too much.
      add(end - at > 2 && step === "\\" ? end - at : 1);
      at = end;
    }
  }
  return groups.reduce((sum, { all }) => Math.min(sum + all, most), 0);
}

/** Where the part that begins at `at` ends: a quoted text, an escape, a class, a character. */
function partEnd(pattern: string, at: number): number {
  if (pattern.startsWith("\\Q", at)) {
    const end = pattern.indexOf("\\E", at + 2);
    return end < 0 ? pattern.length : end + 2;
  }
  if (pattern[at] === "\\") return at + 2;
  return pattern[at] === "[" ? classEnd(pattern, at) : at + 1;
}

function classEnd(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === "^") at++;
  // A bracket that comes first is an ordinary character.
  if (pattern[at] === "]") at++;
  while (at < pattern.length && pattern[at] !== "]") {
    const named = pattern.startsWith("[:", at) ? pattern.indexOf(":]", at + 2) : -1;
    if (named >= 0) at = named + 2;
    else at += pattern[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}
